// SPDX-License-Identifier: Apache-2.0
// onefold import: published datasets and other logs -> a log directory.
#include <chrono>
#include <iostream>
#include <memory>

#include "cli/progress_line.h"
#include "cli/verbs.h"
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "onefold/log/ebnerd.h"
#include "onefold/log/kuairand.h"

namespace onefold::cli {
namespace {

struct ImportFlags {
  std::string directory, logs;
  std::string split = "all";  // EB-NeRD's
  std::string shard_by = "session";
  LogOptions options;
  bool json = false, quiet = false;
};

std::string summary_line(const EbnerdCounts& counts, const std::string& logs, double seconds) {
  std::string line = fmt::format("{} requests, {} candidates, {} clicks -> {} in {:.1f} s",
                                 counts.requests, counts.candidates, counts.clicks, logs, seconds);
  for (const auto& [reason, rows] : counts.skipped)
    line += fmt::format("; skipped {} ({})", rows, reason);
  if (counts.users_without_history > 0) {
    line += fmt::format("; {} users without history", counts.users_without_history);
  }
  return line;
}

nlohmann::ordered_json to_json(const EbnerdCounts& counts, const std::string& logs,
                               double seconds) {
  return {{"logs", logs},
          {"requests", counts.requests},
          {"candidates", counts.candidates},
          {"clicks", counts.clicks},
          {"events", counts.events},
          {"users_without_history", counts.users_without_history},
          {"skipped", counts.skipped},
          {"seconds", seconds}};
}

std::string summary_line(const KuaiRandCounts& counts, const std::string& logs, double seconds) {
  std::string line =
      fmt::format("{} requests of {} users, {} candidates, {} clicks -> {} in {:.1f} s",
                  counts.requests, counts.users, counts.candidates, counts.clicks, logs, seconds);
  if (counts.duplicates > 0) line += fmt::format("; {} duplicates", counts.duplicates);
  for (const auto& [reason, rows] : counts.skipped)
    line += fmt::format("; skipped {} ({})", rows, reason);
  if (counts.users_without_history > 0) {
    line += fmt::format("; {} users without history", counts.users_without_history);
  }
  return line;
}

nlohmann::ordered_json to_json(const KuaiRandCounts& counts, const std::string& logs,
                               double seconds) {
  return {{"logs", logs},
          {"requests", counts.requests},
          {"candidates", counts.candidates},
          {"clicks", counts.clicks},
          {"events", counts.events},
          {"users", counts.users},
          {"users_without_history", counts.users_without_history},
          {"duplicates", counts.duplicates},
          {"skipped", counts.skipped},
          {"seconds", seconds}};
}

// Runs `import` and prints what it counted.
template <typename Import>
Status run_import(ImportFlags flags, const Import& import) {
  ONEFOLD_ASSIGN_OR_RETURN(flags.options.shard_by, parse_shard_by(flags.shard_by));
  const auto start = std::chrono::steady_clock::now();
  const auto import_showing_progress = [&] {
    ProgressLine progress("requests", flags.quiet || flags.json);
    return import(flags, progress.callback());
  };
  ONEFOLD_ASSIGN_OR_RETURN(const auto counts, import_showing_progress());
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  if (flags.json) {
    std::cout << to_json(counts, flags.logs, seconds.count()).dump() << "\n";
  } else {
    std::cout << summary_line(counts, flags.logs, seconds.count()) << "\n";
  }
  return {};
}

Status run_ebnerd(const ImportFlags& flags) {
  ONEFOLD_ASSIGN_OR_RETURN(const EbnerdSplit split, parse_ebnerd_split(flags.split));
  return run_import(flags, [split](const ImportFlags& f, const ImportProgress& progress) {
    return import_ebnerd(f.directory, f.logs, split, f.options, progress);
  });
}

Status run_kuairand(const ImportFlags& flags) {
  return run_import(flags, [](const ImportFlags& f, const ImportProgress& progress) {
    return import_kuairand(f.directory, f.logs, f.options, progress);
  });
}

// What every dataset takes besides DIR.
void add_log_options(CLI::App* app, ImportFlags* flags) {
  app->add_option("LOGS", flags->logs, "Log directory to write; an older log there is replaced")
      ->required();
  app->add_option("--shard-by", flags->shard_by,
                  "session or request: what a record's shard is chosen by")
      ->capture_default_str();
  app->add_option("--shards", flags->options.num_shards, "Number of shards")->capture_default_str();
  app->add_option("--zstd-level", flags->options.zstd_level, "Compression, 1 to 22")
      ->capture_default_str();
  app->add_flag("--quiet", flags->quiet, "No progress line");
  app->add_flag("--json", flags->json, "Print counts as one JSON object");
}

void add_ebnerd(CLI::App& verb, Run& run) {
  auto flags = std::make_shared<ImportFlags>();
  CLI::App* app =
      verb.add_subcommand("ebnerd", "EB-NeRD news impressions (recsys.eb.dk), as unpacked");
  app->add_option(
         "DIR", flags->directory,
         "Folder with train/ and/or validation/, each with behaviors.parquet and history.parquet")
      ->required();
  app->add_option("--split", flags->split, "train, validation or all (those that are there)")
      ->capture_default_str();
  add_log_options(app, flags.get());
  app->footer(
      "Examples:\n"
      "  onefold import ebnerd ebnerd_demo logs/ebnerd --split train\n"
      "  onefold import ebnerd ebnerd_small logs/by_request --shard-by request --shards 16 --json");
  app->callback([flags, &run] { run = [flags] { return run_ebnerd(*flags); }; });
}

void add_kuairand(CLI::App& verb, Run& run) {
  auto flags = std::make_shared<ImportFlags>();
  CLI::App* app = verb.add_subcommand("kuairand", "KuaiRand-Pure short videos (kuairand.com)");
  app->add_option("DIR", flags->directory,
                  "Folder with impressions.csv.zst and user_history.csv.zst")
      ->required();
  add_log_options(app, flags.get());
  app->footer("Example:\n  onefold import kuairand kuairand_pure logs/kuairand");
  app->callback([flags, &run] { run = [flags] { return run_kuairand(*flags); }; });
}

}  // namespace

void add_import(CLI::App& app, Run& run) {
  CLI::App* verb = app.add_subcommand("import", "Turn a dataset into a log");
  verb->require_subcommand(1);
  add_ebnerd(*verb, run);
  add_kuairand(*verb, run);
  add_import_rows(*verb, run);
}

}  // namespace onefold::cli
