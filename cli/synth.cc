// SPDX-License-Identifier: Apache-2.0
// onefold synth: a synthetic log of any size with a planted taste.
#include "onefold/log/synth.h"

#include <chrono>
#include <iostream>
#include <memory>

#include "cli/verbs.h"
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace onefold::cli {
namespace {

struct SynthFlags {
  std::string logs;
  std::string shard_by = "session";
  SynthOptions synth;
  LogOptions log;
  bool json = false;
};

nlohmann::ordered_json to_json(const SynthCounts& counts, const SynthFlags& flags, double seconds) {
  return {
      {"logs", flags.logs},          {"users", flags.synth.users}, {"sessions", counts.sessions},
      {"requests", counts.requests}, {"samples", counts.samples},  {"clicks", counts.clicks},
      {"bayes_ne", counts.bayes_ne}, {"seed", flags.synth.seed},   {"seconds", seconds}};
}

Status run_synth(SynthFlags flags) {
  ONEFOLD_ASSIGN_OR_RETURN(flags.log.shard_by, parse_shard_by(flags.shard_by));
  const auto start = std::chrono::steady_clock::now();
  ONEFOLD_ASSIGN_OR_RETURN(const SynthCounts counts,
                           synthesize(flags.logs, flags.synth, flags.log));
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
  if (flags.json) {
    std::cout << to_json(counts, flags, elapsed.count()).dump() << "\n";
  } else {
    std::cout << fmt::format(
        "{} samples in {} requests of {} sessions, {} clicks, best possible NE {:.3f} -> {} in "
        "{:.1f} s\n",
        counts.samples, counts.requests, counts.sessions, counts.clicks, counts.bayes_ne,
        flags.logs, elapsed.count());
  }
  return {};
}

void add_options(CLI::App* app, SynthFlags* flags) {
  SynthOptions& synth = flags->synth;
  const auto option = [app](const char* name, auto& value, const char* what) {
    app->add_option(name, value, what)->capture_default_str();
  };
  app->add_option("LOGS", flags->logs, "Log directory to write; an older log there is replaced")
      ->required();
  option("--users", synth.users, "Number of users");
  option("--sessions-per-user", synth.sessions_per_user, "Mean number of sessions of a user");
  option("--samples-per-session", synth.samples_per_session,
         "Mean number of samples (candidates shown) of a session");
  option("--candidates", synth.candidates, "Candidates per request");
  option("--items", synth.items, "Number of items");
  option("--topics", synth.topics, "Number of topics; every user prefers three");
  option("--list-length", synth.list_length, "Mean length of histories and lists");
  option("--lists", synth.lists, "User id lists besides the history");
  option("--change-probability", synth.change_probability,
         "Chance that a list has a new value at the next request of a session");
  option("--item-features", synth.item_features, "Id features of an item besides its topic");
  option("--days", synth.days, "Days the log covers, from 2024-01-01");
  option("--seed", synth.seed, "The same seed and options give the same records");
  option("--shard-by", flags->shard_by, "session or request: what a record's shard is chosen by");
  option("--shards", flags->log.num_shards, "Number of shards");
  option("--zstd-level", flags->log.zstd_level, "Compression, 1 to 22");
  app->add_flag("--json", flags->json, "Print counts as one JSON object");
}

}  // namespace

void add_synth(CLI::App& app, Run& run) {
  auto flags = std::make_shared<SynthFlags>();
  CLI::App* verb = app.add_subcommand("synth", "Write a synthetic log with a planted taste");
  add_options(verb, flags.get());
  verb->footer(
      "Examples:\n"
      "  onefold synth logs/small\n"
      "  onefold synth logs/long --users 200 --list-length 2000 --samples-per-session 64\n"
      "  onefold synth logs/sparse --samples-per-session 8 --change-probability 1 --seed 7 --json");
  verb->callback([flags, &run] { run = [flags] { return run_synth(*flags); }; });
}

}  // namespace onefold::cli
