// SPDX-License-Identifier: Apache-2.0
// onefold embed generate: a new version of user embeddings.
#include <iostream>
#include <memory>

#include "cli/number_check.h"
#include "cli/verbs.h"
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "onefold/embed/generate.h"
#include "onefold/timeline/utc_time.h"
#include "onefold/train/keep_memory.h"

namespace onefold::cli {
namespace {

struct Flags {
  GenerateOptions options;
  std::string as_of, format = "int4";
  bool json = false;
};

void draw(const GenerateProgress& progress) {
  constexpr int kWidth = 30;
  const double share =
      progress.total_users == 0 ? 1 : static_cast<double>(progress.users) / progress.total_users;
  const std::string bar(static_cast<size_t>(share * kWidth), '#');
  std::cerr << fmt::format("\r\x1b[K[{:<{}}] {:3.0f}% {} users", bar, kWidth, 100 * share,
                           progress.users)
            << std::flush;
}

nlohmann::json to_json(const GenerateReport& report) {
  return {{"version", report.version.id},
          {"base", report.version.base},
          {"users", report.users},
          {"resumed_users", report.resumed_users},
          {"without_events", report.without_events},
          {"events", report.events},
          {"as_of", format_utc(report.version.as_of_us)},
          {"format", to_string(report.version.format)},
          {"tokens", report.version.shape.tokens},
          {"dim", report.version.shape.dim},
          {"slices", report.version.slices},
          {"model", report.version.model},
          {"quantization_rmse", report.version.quantization_rmse},
          {"seconds", report.seconds},
          {"load_seconds", report.load_seconds},
          {"read_seconds", report.read_seconds},
          {"encode_seconds", report.encode_seconds}};
}

Status run_generate(const Flags& flags) {
  keep_freed_memory();
  GenerateOptions options = flags.options;
  ONEFOLD_ASSIGN_OR_RETURN(options.format, parse_embedding_format(flags.format));
  if (!flags.as_of.empty()) {
    ONEFOLD_ASSIGN_OR_RETURN(options.as_of_us, parse_utc(flags.as_of));
  }
  const bool progress = isatty(STDERR_FILENO) != 0;
  if (progress) options.on_progress = draw;
  const auto report = generate_embeddings(options);
  if (progress) std::cerr << "\r\x1b[K";
  if (!report.ok()) return report.status();
  if (flags.json) {
    std::cout << to_json(*report).dump() << "\n";
    return {};
  }
  std::cout << fmt::format(
      "{}: {} users{}, {} tokens x {} {}, as of {}, quantisation rmse {:.3g}; {} events in {:.1f} "
      "s "
      "-> {}\n",
      report->version.id, report->users,
      report->version.base.empty() ? "" : " over " + report->version.base,
      report->version.shape.tokens, report->version.shape.dim, to_string(report->version.format),
      format_utc(report->version.as_of_us), report->version.quantization_rmse, report->events,
      report->seconds, options.store);
  if (report->resumed_users > 0) {
    std::cout << fmt::format("{} of them were made by an earlier run\n", report->resumed_users);
  }
  if (report->without_events > 0) {
    std::cout << fmt::format("{} users had no event before that time and were left out\n",
                             report->without_events);
  }
  return {};
}

}  // namespace

void add_embed_generate(CLI::App& embed, Run& run) {
  auto flags = std::make_shared<Flags>();
  GenerateOptions& options = flags->options;
  CLI::App* verb = embed.add_subcommand("generate", "Make a new version from a trained encoder");
  verb->add_option("CHECKPOINT", options.checkpoint, "Checkpoints of a model with [upstream]")
      ->required();
  verb->add_option("TIMELINES", options.timelines, "Directory of the users' timelines")->required();
  verb->add_option("STORE", options.store, "Directory of the embedding's versions")->required();
  verb->add_option("--as-of", flags->as_of,
                   "Use events before this time, UTC: 2024-01-08T00:00:00Z (default: all)");
  verb->add_option("--format", flags->format, "int4, int8, fp16 or fp32")->capture_default_str();
  verb->add_option("--changed-since", options.changed_since,
                   "Only users with new events since this version; the others are found in it")
      ->type_name("VERSION");
  verb->add_option("--max-explicit", options.max_explicit,
                   "Newest explicit events per user (default: as in training)")
      ->check(at_least(1));
  verb->add_option("--max-implicit", options.max_implicit, "The same for implicit ones")
      ->check(at_least(1));
  verb->add_option("--batch-users", options.batch_users, "Users encoded at a time")
      ->check(at_least(1))
      ->capture_default_str();
  verb->add_option("--batch-events", options.batch_events,
                   "A batch ends after so many events: what bounds memory")
      ->check(at_least(1))
      ->capture_default_str();
  verb->add_option("--part-users", options.part_users, "Users per file: what a kill can cost")
      ->check(at_least(1))
      ->capture_default_str();
  verb->add_option("--threads", options.threads, "Up to 1024; 0: as many as cores");
  verb->add_flag("--json", flags->json, "Print JSON");
  verb->callback([flags, &run] { run = [flags] { return run_generate(*flags); }; });
  verb->footer(
      "A run that was killed is continued by the same command.\n"
      "Examples:\n"
      "  onefold embed generate checkpoints/upstream timelines/ users/\n"
      "  onefold embed generate checkpoints/upstream timelines/ users/ --changed-since v000003");
}

}  // namespace onefold::cli
