// SPDX-License-Identifier: Apache-2.0
// onefold advise: which features of a table, or of any Parquet files, to group and fold.
#include "onefold/advise/advise.h"

#include <iostream>
#include <memory>

#include "cli/sample_source_options.h"
#include "cli/verbs.h"
#include <nlohmann/json.hpp>

namespace onefold::cli {
namespace {

struct AdviseFlags {
  std::string path;
  AdviseOptions options;
  bool json = false, toml = false;
};

Status run_advise(const AdviseFlags& flags) {
  ONEFOLD_ASSIGN_OR_RETURN(const Advice advice, advise(flags.path, flags.options));
  if (flags.json) {
    std::cout << to_json(advice).dump(2) << "\n";
  } else {
    std::cout << (flags.toml ? to_mapping(advice) : to_text(advice));
  }
  return {};
}

}  // namespace

void add_advise(CLI::App& app, Run& run) {
  auto flags = std::make_shared<AdviseFlags>();
  CLI::App* verb = app.add_subcommand(
      "advise", "Say which features to group and fold, exact or windowed, and what it saves");
  add_sample_source_options(verb, &flags->path, &flags->options);
  verb->add_option("--request", flags->options.request,
                   "Parquet: column with the request id; without it, samples of a session at the "
                   "same time are one request");
  verb->add_option("--skip", flags->options.skip,
                   "Parquet: columns that are no features, such as item ids and labels")
      ->delimiter(',');
  verb->add_option(
          "--sample-sessions", flags->options.sample_sessions,
          "About so many sessions are folded to measure; by default 1,000, more where these "
          "have fewer than 65,536 samples")
      ->check(at_least(1));
  const auto json = verb->add_flag("--json", flags->json, "Print one JSON object");
  verb->add_flag("--toml", flags->toml, "Print only the section for the mapping of import")
      ->excludes(json);
  verb->footer(
      "Examples:\n"
      "  onefold advise tables/ebnerd\n"
      "  onefold advise clicks.parquet --session sid --user uid --time ts --skip item_id,clicked\n"
      "  onefold advise clicks.parquet --session sid --time ts --skip item_id --toml >> "
      "mapping.toml");
  verb->callback([flags, &run] { run = [flags] { return run_advise(*flags); }; });
}

}  // namespace onefold::cli
