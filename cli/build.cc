// SPDX-License-Identifier: Apache-2.0
// onefold build LOGS TABLE
#include "onefold/build/build.h"

#include <iostream>
#include <memory>

#include "cli/interrupt_flag.h"
#include "cli/progress_line.h"
#include "cli/verbs.h"
#include <nlohmann/json.hpp>

#include "onefold/base/memory.h"
#include "onefold/build/sessionize.h"
#include "onefold/timeline/utc_time.h"

namespace onefold::cli {
namespace {

struct Arguments {
  std::string logs, table;
  std::string order = "session", layout = "folded", partition = "day";
  std::string from, until, memory;
  std::string sessionize = "log", idle_gap = "30min";
  double late_after_hours = 24;
  bool json = false;
  BuildOptions options;
};

Result<BuildStats> build_with_progress(Arguments& arguments) {
  const InterruptFlag interrupt;
  ProgressLine reading("bytes of log"), writing("requests");
  arguments.options.on_read = reading.callback();
  arguments.options.on_written = writing.callback();
  arguments.options.is_cancelled = [&interrupt] { return interrupt.is_set(); };
  return build_table(arguments.logs, arguments.table, arguments.options);
}

Status run_build(Arguments arguments) {
  BuildOptions& options = arguments.options;
  ONEFOLD_ASSIGN_OR_RETURN(options.cluster.order, parse_sample_order(arguments.order));
  ONEFOLD_ASSIGN_OR_RETURN(options.cluster.partition, parse_partition_by(arguments.partition));
  ONEFOLD_ASSIGN_OR_RETURN(options.layout, parse_table_layout(arguments.layout));
  options.late_after_us = static_cast<int64_t>(arguments.late_after_hours * 3600e6);
  if (!arguments.from.empty()) {
    ONEFOLD_ASSIGN_OR_RETURN(options.from_us, parse_utc(arguments.from));
  }
  if (!arguments.until.empty()) {
    ONEFOLD_ASSIGN_OR_RETURN(options.until_us, parse_utc(arguments.until));
  }
  if (arguments.sessionize == "user") {
    ONEFOLD_ASSIGN_OR_RETURN(options.idle_gap_us, parse_idle_gap(arguments.idle_gap));
  } else if (arguments.sessionize != "log") {
    return invalid_argument("unknown --sessionize '" + arguments.sessionize +
                            "': expected log or user");
  }
  if (!arguments.memory.empty()) {
    ONEFOLD_ASSIGN_OR_RETURN(options.memory_bytes, parse_byte_size(arguments.memory));
  }
  ONEFOLD_ASSIGN_OR_RETURN(const BuildStats stats, build_with_progress(arguments));
  if (arguments.json) {
    std::cout << to_json(stats).dump() << "\n";
  } else {
    std::cout << to_text(stats);
  }
  return {};
}

}  // namespace

void add_build(CLI::App& app, Run& run) {
  auto* verb = app.add_subcommand("build", "Logs to table: join, cluster by session, fold");
  auto arguments = std::make_shared<Arguments>();
  verb->add_option("logs", arguments->logs, "Log directory (onefold import or synth made it)")
      ->required()
      ->type_name("LOGS");
  verb->add_option("table", arguments->table, "Table directory to write; a table there is replaced")
      ->required()
      ->type_name("TABLE");
  verb->add_option("--order", arguments->order,
                   "session: a session's samples side by side; arrival: by time")
      ->type_name("session|arrival")
      ->capture_default_str();
  verb->add_option("--layout", arguments->layout,
                   "folded: each payload once; plain: every sample its own")
      ->type_name("folded|plain")
      ->capture_default_str();
  verb->add_option("--window", arguments->options.windowed_groups,
                   "Store this group's lists, which slide or grow, as windows on one row a user")
      ->type_name("GROUP");
  verb->add_option("--partition", arguments->partition, "Directories by sample time, UTC")
      ->type_name("none|day|hour")
      ->capture_default_str();
  verb->add_option("--row-group-samples", arguments->options.cluster.row_group_samples,
                   "Samples in a row group, rounded to whole sessions")
      ->type_name("N")
      ->capture_default_str();
  verb->add_option("--zstd-level", arguments->options.zstd_level,
                   "Compression, 1 (fast) to 22 (small)")
      ->type_name("N")
      ->capture_default_str();
  verb->add_option("--embeddings", arguments->options.embeddings,
                   "Embedding store: join each sample with its user's embedding, as it was live")
      ->type_name("STORE");
  verb->add_option("--from", arguments->from, "Only requests from this time on, UTC")
      ->type_name("TIME");
  verb->add_option("--until", arguments->until, "Only requests before this time, UTC")
      ->type_name("TIME");
  verb->add_option("--sessionize", arguments->sessionize,
                   "log: its session ids; user: sessions made of users' requests and idle gaps")
      ->type_name("log|user")
      ->capture_default_str();
  verb->add_option("--idle-gap", arguments->idle_gap,
                   "With --sessionize user: a longer gap begins a new session")
      ->type_name("TIME")
      ->capture_default_str();
  verb->add_option("--sample-sessions", arguments->options.sampling.session_rate,
                   "Fraction of sessions to keep, whole")
      ->type_name("RATE")
      ->capture_default_str();
  verb->add_option("--sample-negatives", arguments->options.sampling.negative_rate,
                   "Fraction to keep of candidates whose labels are all 0")
      ->type_name("RATE")
      ->capture_default_str();
  verb->add_option("--sample-seed", arguments->options.sampling.seed, "Draws others")
      ->type_name("N")
      ->capture_default_str();
  verb->add_option("--late-after", arguments->late_after_hours,
                   "Hours after the request from which an event is counted as late")
      ->check(CLI::Range(0.0, 1e6))
      ->type_name("HOURS")
      ->capture_default_str();
  verb->add_option("--memory", arguments->memory,
                   "What the program may use, as 512MiB or 2GiB [half of the machine's]")
      ->type_name("SIZE");
  verb->add_option("--threads", arguments->options.threads, "Threads [one per core]")
      ->type_name("N");
  verb->add_option("--spill-dir", arguments->options.spill_dir,
                   "Where to put what does not fit in memory [beside TABLE]")
      ->type_name("DIR");
  verb->add_flag("--json", arguments->json, "Print the summary as JSON");
  verb->callback([arguments, &run] { run = [arguments] { return run_build(*arguments); }; });
}

}  // namespace onefold::cli
