// SPDX-License-Identifier: Apache-2.0
// onefold slice stats: what the slices of a set select from timelines.
#include <iostream>
#include <memory>

#include "cli/verbs.h"
#include <nlohmann/json.hpp>

#include "onefold/timeline/slice_stats.h"
#include "onefold/timeline/utc_time.h"

namespace onefold::cli {
namespace {

struct StatsFlags {
  std::string timelines;
  std::string slices = "short_video";
  std::string cutoff;
  bool json = false;
};

Status run_stats(const StatsFlags& flags) {
  ONEFOLD_ASSIGN_OR_RETURN(const SliceSet slices, SliceSet::load(flags.slices));
  std::optional<int64_t> cutoff_us;
  if (!flags.cutoff.empty()) {
    ONEFOLD_ASSIGN_OR_RETURN(cutoff_us, parse_utc(flags.cutoff));
  }
  ONEFOLD_ASSIGN_OR_RETURN(const SliceStats stats, slice_stats(flags.timelines, slices, cutoff_us));
  std::cout << (flags.json ? to_json(stats).dump(2) + "\n" : to_text(stats));
  return {};
}

}  // namespace

void add_slice(CLI::App& app, Run& run) {
  CLI::App* slice = app.add_subcommand("slice", "Slices of timelines (docs/slices.md)");
  slice->require_subcommand(1);
  auto flags = std::make_shared<StatsFlags>();
  CLI::App* verb =
      slice->add_subcommand("stats", "Coverage, mean events and overlap of every slice");
  verb->add_option("timelines", flags->timelines, "Timelines directory")
      ->required()
      ->type_name("TIMELINES");
  verb->add_option("--slices", flags->slices, "TOML file, or a set built in: short_video, news")
      ->type_name("FILE|NAME")
      ->capture_default_str();
  verb->add_option("--cutoff", flags->cutoff, "Count events before this time, UTC; by default all")
      ->type_name("YYYY-MM-DD[THH:MM:SS]");
  verb->add_flag("--json", flags->json, "Print one JSON object");
  verb->footer("Example:\n  onefold slice stats timelines/all --slices my_slices.toml");
  verb->callback([flags, &run] { run = [flags] { return run_stats(*flags); }; });
}

}  // namespace onefold::cli
