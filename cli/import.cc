// SPDX-License-Identifier: Apache-2.0
// onefold import: published datasets and other logs -> a log directory.
#include <chrono>
#include <iostream>
#include <memory>

#include "cli/verbs.h"
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "onefold/log/ebnerd.h"

namespace onefold::cli {
namespace {

struct EbnerdFlags {
  std::string directory, logs;
  std::string split = "all";
  std::string shard_by = "session";
  LogOptions options;
  bool json = false;
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

Status run_ebnerd(EbnerdFlags flags) {
  ONEFOLD_ASSIGN_OR_RETURN(const EbnerdSplit split, parse_ebnerd_split(flags.split));
  ONEFOLD_ASSIGN_OR_RETURN(flags.options.shard_by, parse_shard_by(flags.shard_by));
  const auto start = std::chrono::steady_clock::now();
  ONEFOLD_ASSIGN_OR_RETURN(const EbnerdCounts counts,
                           import_ebnerd(flags.directory, flags.logs, split, flags.options));
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  if (flags.json) {
    std::cout << to_json(counts, flags.logs, seconds.count()).dump() << "\n";
  } else {
    std::cout << summary_line(counts, flags.logs, seconds.count()) << "\n";
  }
  return {};
}

void add_ebnerd(CLI::App& verb, Run& run) {
  auto flags = std::make_shared<EbnerdFlags>();
  CLI::App* app =
      verb.add_subcommand("ebnerd", "EB-NeRD news impressions (recsys.eb.dk), as unpacked");
  app->add_option(
         "DIR", flags->directory,
         "Folder with train/ and/or validation/, each with behaviors.parquet and history.parquet")
      ->required();
  app->add_option("LOGS", flags->logs, "Log directory to write; an older log there is replaced")
      ->required();
  app->add_option("--split", flags->split, "train, validation or all (those that are there)")
      ->capture_default_str();
  app->add_option("--shard-by", flags->shard_by,
                  "session or request: what a record's shard is chosen by")
      ->capture_default_str();
  app->add_option("--shards", flags->options.num_shards, "Number of shards")->capture_default_str();
  app->add_option("--zstd-level", flags->options.zstd_level, "Compression, 1 to 22")
      ->capture_default_str();
  app->add_flag("--json", flags->json, "Print counts as one JSON object");
  app->footer(
      "Examples:\n"
      "  onefold import ebnerd ebnerd_demo logs/ebnerd --split train\n"
      "  onefold import ebnerd ebnerd_small logs/by_request --shard-by request --shards 16 --json");
  app->callback([flags, &run] { run = [flags] { return run_ebnerd(*flags); }; });
}

}  // namespace

void add_import(CLI::App& app, Run& run) {
  CLI::App* verb = app.add_subcommand("import", "Turn a dataset into a log");
  verb->require_subcommand(1);
  add_ebnerd(*verb, run);
}

}  // namespace onefold::cli
