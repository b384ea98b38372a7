// SPDX-License-Identifier: Apache-2.0
// onefold table verify | show
#include <iostream>
#include <memory>

#include "cli/progress_line.h"
#include "cli/verbs.h"
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "onefold/table/table_summary.h"
#include "onefold/table/verify_table.h"

namespace onefold::cli {
namespace {

struct TableFlags {
  std::string table;
  bool json = false;
};

std::string to_text(const TableVerification& report) {
  std::string text;
  for (const TableProblem& problem : report.problems) {
    text += problem.file + ": " + problem.what + "\n";
  }
  text +=
      fmt::format("{} files, {} bytes, {} row groups, {} samples: {}\n", report.files, report.bytes,
                  report.row_groups, report.samples,
                  report.problems.empty() ? std::string("no problems")
                                          : std::to_string(report.problems.size()) + " problems");
  if (report.unused_rows > 0) {
    text += fmt::format("{} payload rows are not used by any sample\n", report.unused_rows);
  }
  if (report.unchecked_files > 0) {
    text += fmt::format("{} files have no checksum: their writer left them out\n",
                        report.unchecked_files);
  }
  return text;
}

Status run_verify(const TableFlags& flags) {
  auto report = [&] {
    ProgressLine progress("bytes");
    return verify_table(flags.table, progress.callback());
  }();
  if (!report.ok()) return report.status();
  if (flags.json) {
    std::cout << to_json(*report).dump() << "\n";
  } else {
    std::cout << to_text(*report);
  }
  if (report->problems.empty()) return {};
  return data_loss(fmt::format("{}: {} problems, the first in {}", flags.table,
                               report->problems.size(), report->problems.front().file));
}

Status run_show(const TableFlags& flags) {
  ONEFOLD_ASSIGN_OR_RETURN(const TableSummary summary, summarize_table(flags.table));
  if (flags.json) {
    std::cout << to_json(summary).dump() << "\n";
  } else {
    std::cout << to_text(summary);
  }
  return {};
}

void add_table_verb(CLI::App& parent, Run& run, const std::string& name, const std::string& help,
                    Status (*body)(const TableFlags&)) {
  auto flags = std::make_shared<TableFlags>();
  CLI::App* verb = parent.add_subcommand(name, help);
  verb->add_option("TABLE", flags->table, "Table directory")->required();
  verb->add_flag("--json", flags->json, "Print one JSON object");
  verb->footer("Examples:\n  onefold table " + name + " tables/ebnerd\n  onefold table " + name +
               " tables/ebnerd --json");
  verb->callback([flags, body, &run] { run = [flags, body] { return body(*flags); }; });
}

}  // namespace

void add_table(CLI::App& app, Run& run) {
  CLI::App* verb = app.add_subcommand("table", "Check a table, or say what is in it");
  verb->require_subcommand(1);
  add_table_verb(*verb, run, "verify", "Read all of a table and report everything that is wrong",
                 run_verify);
  add_table_verb(*verb, run, "show", "Schema, partitions, rows, bytes, what folding saved",
                 run_show);
}

}  // namespace onefold::cli
