// SPDX-License-Identifier: Apache-2.0
// onefold inspect: how much of a table, or of any Parquet files, is repetition.
#include "onefold/inspect/inspect.h"

#include <iostream>
#include <memory>

#include "cli/sample_source_options.h"
#include "cli/verbs.h"
#include <nlohmann/json.hpp>

namespace onefold::cli {
namespace {

struct InspectFlags {
  std::string path;
  InspectOptions options;
  bool json = false;
};

Status run_inspect(const InspectFlags& flags) {
  ONEFOLD_ASSIGN_OR_RETURN(const InspectReport report, inspect(flags.path, flags.options));
  if (flags.json) {
    std::cout << to_json(report).dump(2) << "\n";
  } else {
    std::cout << to_text(report);
  }
  return {};
}

}  // namespace

void add_inspect(CLI::App& app, Run& run) {
  auto flags = std::make_shared<InspectFlags>();
  CLI::App* verb = app.add_subcommand(
      "inspect", "Report how much of a table, or of any Parquet files, is repetition");
  add_sample_source_options(verb, &flags->path, &flags->options);
  verb->add_option("--label", flags->options.label,
                   "Parquet: boolean or number column, positive when above 0");
  verb->add_flag("--json", flags->json, "Print one JSON object");
  verb->footer(
      "Examples:\n"
      "  onefold inspect tables/ebnerd\n"
      "  onefold inspect behaviors.parquet --session session_id --time impression_time\n"
      "  onefold inspect warehouse/clicks --session sid --label clicked --json");
  verb->callback([flags, &run] { run = [flags] { return run_inspect(*flags); }; });
}

}  // namespace onefold::cli
