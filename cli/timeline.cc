// SPDX-License-Identifier: Apache-2.0
// onefold timeline build|append|show: events as one timeline per user.
#include <filesystem>
#include <iostream>
#include <memory>

#include "cli/number_check.h"
#include "cli/verbs.h"
#include <nlohmann/json.hpp>

#include "onefold/base/memory.h"
#include "onefold/timeline/build_timelines.h"
#include "onefold/timeline/timeline_text.h"

namespace onefold::cli {
namespace {

struct WriteFlags {
  std::vector<std::string> paths;  // EVENTS... TIMELINES
  std::string mapping;
  std::string memory = "1GiB";
  TimelineBuildOptions build;
  TimelineWriteOptions options;
  bool json = false;
};

struct ShowFlags {
  std::string directory;
  int64_t user = 0;
  int64_t newest = 20;
  bool verify = false;
  bool json = false;
};

Status run_write(const WriteFlags& flags, bool build) {
  TimelineWriteOptions options = flags.options;
  ONEFOLD_ASSIGN_OR_RETURN(options.memory_bytes, parse_byte_size(flags.memory));
  const std::string& spill = options.spill_directory;
  if (!spill.empty() && !std::filesystem::is_directory(spill)) {
    return invalid_argument(spill + ": no directory to spill to; make it first");
  }
  std::vector<std::string> inputs = flags.paths;
  const std::string directory = inputs.back();
  inputs.pop_back();
  std::optional<MappingText> mapping;
  if (!flags.mapping.empty()) {
    ONEFOLD_ASSIGN_OR_RETURN(mapping, read_mapping(flags.mapping));
  }
  ONEFOLD_ASSIGN_OR_RETURN(const IntakeReport report,
                           build ? build_timelines(directory, inputs, mapping, flags.build, options)
                                 : append_timelines(directory, inputs, mapping, options));
  ONEFOLD_ASSIGN_OR_RETURN(const TimelineManifest manifest, read_timeline_manifest(directory));
  if (flags.json) {
    nlohmann::json object = to_json(report);
    object["examples"] = report.examples;
    object["notes"] = report.notes;
    object["timelines"] = summary_json(manifest);
    std::cout << object.dump(2) << "\n";
  } else {
    std::cout << to_text(report) << summary_text(manifest);
  }
  return {};
}

Status run_show(const ShowFlags& flags, bool one_user) {
  if (flags.verify) ONEFOLD_RETURN_IF_ERROR(verify_timelines(flags.directory));
  if (one_user) {
    ONEFOLD_ASSIGN_OR_RETURN(const UserEvents events,
                             read_user_events(flags.directory, flags.user, flags.newest));
    std::cout << (flags.json ? to_json(events).dump(2) + "\n" : to_text(events));
    return {};
  }
  ONEFOLD_ASSIGN_OR_RETURN(const TimelineManifest manifest,
                           read_timeline_manifest(flags.directory));
  if (flags.json) {
    std::cout << summary_json(manifest).dump(2) << "\n";
  } else {
    std::cout << summary_text(manifest) << history_text(manifest);
    if (flags.verify) std::cout << "all checksums are right\n";
  }
  return {};
}

void add_write_options(CLI::App* verb, WriteFlags& flags) {
  verb->add_option("paths", flags.paths,
                   "Event logs, Parquet or CSV files, or directories of them; last the timelines "
                   "directory")
      ->required()
      ->expected(2, -1)
      ->type_name("EVENTS... TIMELINES");
  verb->add_option("--mapping", flags.mapping,
                   "TOML file: which columns hold what, which actions are explicit and implicit")
      ->type_name("FILE");
  verb->add_option("--memory", flags.memory,
                   "For sorting, as 512MiB or 2G; what does not fit is spilled to disk")
      ->type_name("SIZE")
      ->capture_default_str();
  verb->add_option("--spill-dir", flags.options.spill_directory,
                   "Where to spill; by default beside the timelines")
      ->type_name("DIR");
  verb->add_option("--row-group-events", flags.options.parts.row_group_events,
                   "Events in a row group: what reading one user costs")
      ->type_name("N")
      ->check(at_least(1))
      ->capture_default_str();
  verb->add_option("--zstd-level", flags.options.parts.zstd_level,
                   "Compression, 1 (fast) to 22 (small)")
      ->type_name("N")
      ->check(CLI::Range(1, 22))
      ->capture_default_str();
  verb->add_flag("--json", flags.json, "Print one JSON object");
}

void add_build_verb(CLI::App* timeline, Run& run) {
  auto flags = std::make_shared<WriteFlags>();
  CLI::App* verb =
      timeline->add_subcommand("build", "Events to timelines; older ones are replaced");
  add_write_options(verb, *flags);
  verb->add_option("--max-explicit", flags->build.max_events[0],
                   "Newest explicit events kept per user")
      ->type_name("N")
      ->capture_default_str();
  verb->add_option("--max-implicit", flags->build.max_events[1],
                   "Newest implicit events kept per user")
      ->type_name("N")
      ->capture_default_str();
  verb->add_option("--range-events", flags->build.range_events,
                   "Events of a part: of the range of users that it holds")
      ->type_name("N")
      ->capture_default_str();
  verb->footer(
      "Examples:\n"
      "  onefold timeline build logs/may timelines/all\n"
      "  onefold timeline build events/*.csv.zst timelines/all --mapping events.toml");
  verb->callback([flags, &run] { run = [flags] { return run_write(*flags, true); }; });
}

void add_append_verb(CLI::App* timeline, Run& run) {
  auto flags = std::make_shared<WriteFlags>();
  CLI::App* verb = timeline->add_subcommand(
      "append", "Add newer or late events; timelines of other users are not rewritten");
  add_write_options(verb, *flags);
  verb->add_option("--max-parts", flags->options.max_parts,
                   "Merge the newest parts of a range of users when it has more than these")
      ->type_name("N")
      ->check(at_least(1))
      ->capture_default_str();
  verb->footer("Example:\n  onefold timeline append events/2026-05-02.parquet timelines/all");
  verb->callback([flags, &run] { run = [flags] { return run_write(*flags, false); }; });
}

void add_show_verb(CLI::App* timeline, Run& run) {
  auto flags = std::make_shared<ShowFlags>();
  CLI::App* verb =
      timeline->add_subcommand("show", "What timelines hold, how they grew, or one user's events");
  verb->add_option("timelines", flags->directory, "Timelines directory")
      ->required()
      ->type_name("TIMELINES");
  CLI::Option* user =
      verb->add_option("--user", flags->user, "Print this user's newest events")->type_name("ID");
  verb->add_option("--newest", flags->newest, "How many, of each timeline")
      ->type_name("N")
      ->check(at_least(1))
      ->capture_default_str();
  verb->add_flag("--verify", flags->verify, "Read all files and compare their checksums");
  verb->add_flag("--json", flags->json, "Print one JSON object");
  verb->callback([flags, user, &run] {
    run = [flags, one_user = user->count() > 0] { return run_show(*flags, one_user); };
  });
}

}  // namespace

void add_timeline(CLI::App& app, Run& run) {
  CLI::App* timeline = app.add_subcommand("timeline", "Events as one timeline per user");
  timeline->require_subcommand(1);
  add_build_verb(timeline, run);
  add_append_verb(timeline, run);
  add_show_verb(timeline, run);
}

}  // namespace onefold::cli
