// SPDX-License-Identifier: Apache-2.0
// onefold import parquet|csv|jsonl: people's own rows -> a log directory.
#include "onefold/row_import/import_rows.h"

#include <chrono>
#include <iostream>
#include <memory>

#include "cli/number_check.h"
#include "cli/progress_line.h"
#include "cli/verbs.h"
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "onefold/base/files.h"
#include "onefold/row_import/row_files.h"
#include "onefold/timeline/utc_time.h"

namespace onefold::cli {
namespace {

struct RowFlags {
  std::vector<std::string> paths;  // the last one is LOGS
  std::string mapping;
  std::string shard_by = "session";
  ImportOptions options;
  bool json = false, quiet = false;
};

std::string summary(const RowCounts& counts, const std::string& logs, double seconds) {
  std::string text =
      fmt::format("{} rows: {} requests, {} candidates, {} events -> {} in {:.1f} s\n", counts.rows,
                  counts.requests, counts.candidates, counts.events, logs, seconds);
  text +=
      fmt::format("times {} to {} UTC\n", format_utc(counts.first_us), format_utc(counts.last_us));
  for (const auto& [reason, rows] : counts.left_out) {
    text += fmt::format("left out: {} rows ({})\n", rows, reason);
  }
  if (counts.differing_rows > 0) {
    text += fmt::format(
        "{} rows differ from the first row of their request in user features, time or session; "
        "the first row's were taken\n",
        counts.differing_rows);
  }
  if (!counts.unused_columns.empty()) {
    text += "columns not imported:";
    for (const std::string& column : counts.unused_columns) text += " " + column;
    text += "\n";
  }
  for (const std::string& example : counts.examples) text += "  " + example + "\n";
  if (counts.rejects() > 0) {
    text += fmt::format("the {} rows left out are listed in {}/{}\n", counts.rejects(), logs,
                        kRejectsName);
  }
  return text;
}

nlohmann::ordered_json to_json(const RowCounts& counts, const std::string& logs, double seconds) {
  return {{"logs", logs},
          {"files", counts.files},
          {"rows", counts.rows},
          {"requests", counts.requests},
          {"candidates", counts.candidates},
          {"events", counts.events},
          {"first_time", format_utc(counts.first_us)},
          {"last_time", format_utc(counts.last_us)},
          {"left_out", counts.left_out},
          {"rejects", counts.rejects()},
          {"differing_rows", counts.differing_rows},
          {"unused_columns", counts.unused_columns},
          {"examples", counts.examples},
          {"seconds", seconds}};
}

Status run_rows(RowFlags flags, RowFormat format) {
  const std::string logs = flags.paths.back();
  flags.paths.pop_back();
  ONEFOLD_ASSIGN_OR_RETURN(flags.options.log.shard_by, parse_shard_by(flags.shard_by));
  ONEFOLD_ASSIGN_OR_RETURN(const std::string text, read_file(flags.mapping));
  ONEFOLD_ASSIGN_OR_RETURN(const auto mapping, RowMapping::from_toml(text, flags.mapping));
  ONEFOLD_ASSIGN_OR_RETURN(const auto files, find_row_files(flags.paths, format));
  const auto start = std::chrono::steady_clock::now();
  const auto run = [&] {
    ProgressLine progress("bytes", flags.quiet || flags.json);
    flags.options.progress = progress.callback();
    return import_rows(files, mapping, logs, flags.options);
  };
  ONEFOLD_ASSIGN_OR_RETURN(const auto counts, run());
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  if (flags.json) {
    std::cout << to_json(counts, logs, seconds.count()).dump() << "\n";
  } else {
    std::cout << summary(counts, logs, seconds.count());
  }
  return {};
}

void add_format(CLI::App& import, const std::string& name, const std::string& files,
                RowFormat format, Run& run) {
  auto flags = std::make_shared<RowFlags>();
  CLI::App* app = import.add_subcommand(name, "Your own " + files + ", one row per item shown");
  app->add_option("PATHS", flags->paths,
                  "Files or directories of them, then the log directory to write; an older log "
                  "there is replaced")
      ->required()
      ->expected(2, -1);
  app->add_option("--mapping", flags->mapping,
                  "TOML file: which column is what (docs/verbs/import.md)")
      ->required();
  app->add_option("--shard-by", flags->shard_by,
                  "session or request: what a record's shard is chosen by")
      ->capture_default_str();
  app->add_option("--shards", flags->options.log.num_shards, "Number of shards")
      ->capture_default_str();
  app->add_option("--zstd-level", flags->options.log.zstd_level, "Compression, 1 to 22")
      ->capture_default_str();
  app->add_option("--max-rejects", flags->options.max_rejects,
                  "Fail, and write nothing, when more rows than this are left out")
      ->check(at_least(0));
  app->add_flag("--quiet", flags->quiet, "No progress line");
  app->add_flag("--json", flags->json, "Print counts as one JSON object");
  app->footer("Example:\n  onefold import " + name + " impressions/ logs/ --mapping mapping.toml");
  app->callback([flags, format, &run] { run = [=] { return run_rows(*flags, format); }; });
}

}  // namespace

void add_import_rows(CLI::App& import, Run& run) {
  add_format(import, "parquet", "Parquet files", RowFormat::kParquet, run);
  add_format(import, "csv", "CSV or TSV files", RowFormat::kCsv, run);
  add_format(import, "jsonl", "files of JSON lines", RowFormat::kJsonLines, run);
}

}  // namespace onefold::cli
