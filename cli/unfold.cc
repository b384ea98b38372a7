// SPDX-License-Identifier: Apache-2.0
// onefold unfold SRC DST
#include <iostream>
#include <memory>

#include "cli/progress_line.h"
#include "cli/verbs.h"
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "onefold/dataset/unfold_table.h"

namespace onefold::cli {
namespace {

struct UnfoldFlags {
  std::string table, destination;
  UnfoldOptions options;
  bool json = false;
};

Status run_unfold(UnfoldFlags flags) {
  auto report = [&] {
    ProgressLine progress("rows");
    flags.options.progress = progress.callback();
    return unfold_table(flags.table, flags.destination, flags.options);
  }();
  if (!report.ok()) return report.status();
  if (flags.json) {
    std::cout << to_json(*report).dump() << "\n";
  } else {
    std::cout << fmt::format("{} files, {} rows; Parquet: {} -> {} bytes\n", report->files,
                             report->rows, report->table_bytes, report->unfolded_bytes);
  }
  return {};
}

}  // namespace

void add_unfold(CLI::App& app, Run& run) {
  auto flags = std::make_shared<UnfoldFlags>();
  CLI::App* verb = app.add_subcommand(
      "unfold", "A folded table to plain Parquet files, those it was folded from");
  verb->add_option("SRC", flags->table, "Table directory (onefold fold or build made it)")
      ->required();
  verb->add_option("DST", flags->destination, "Directory to write; must be empty or not there")
      ->required();
  verb->add_option("--zstd-level", flags->options.zstd_level, "Compression, 1 (fast) to 22 (small)")
      ->check(CLI::Range(1, 22))
      ->type_name("N")
      ->capture_default_str();
  verb->add_flag("--json", flags->json, "Print one JSON object");
  verb->footer(
      "Examples:\n"
      "  onefold unfold tables/clicks warehouse/clicks_again\n"
      "  onefold unfold tables/ebnerd plain --zstd-level 9 --json");
  verb->callback([flags, &run] { run = [flags] { return run_unfold(*flags); }; });
}

}  // namespace onefold::cli
