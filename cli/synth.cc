// SPDX-License-Identifier: Apache-2.0
// onefold synth: a synthetic log of any size with a planted taste; with --events, of users with
// long histories, and their events.
#include "onefold/log/synth.h"

#include <chrono>
#include <iostream>
#include <memory>

#include "cli/verbs.h"
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "onefold/log/long_term.h"

namespace onefold::cli {
namespace {

struct SynthFlags {
  std::string logs, events;
  std::string shard_by = "session";
  SynthOptions synth;
  LongTermOptions long_term;
  LogOptions log;
  bool json = false;
};

nlohmann::ordered_json to_json(const SynthCounts& counts, const SynthFlags& flags, double seconds) {
  return {
      {"logs", flags.logs},          {"users", flags.synth.users}, {"sessions", counts.sessions},
      {"requests", counts.requests}, {"samples", counts.samples},  {"clicks", counts.clicks},
      {"bayes_ne", counts.bayes_ne}, {"seed", flags.synth.seed},   {"seconds", seconds}};
}

nlohmann::ordered_json to_json(const LongTermCounts& counts, const SynthFlags& flags,
                               double seconds) {
  return {{"logs", flags.logs},
          {"events", flags.events},
          {"users", flags.long_term.users},
          {"events_written", counts.events},
          {"explicit_events", counts.explicit_events},
          {"least_events", counts.least_events},
          {"most_events", counts.most_events},
          {"sessions", counts.sessions},
          {"requests", counts.requests},
          {"samples", counts.samples},
          {"clicks", counts.clicks},
          {"likes", counts.likes},
          {"bayes_ne", counts.bayes_ne},
          {"seed", flags.long_term.seed},
          {"seconds", seconds}};
}

Status run_long_term(const SynthFlags& flags) {
  const auto start = std::chrono::steady_clock::now();
  ONEFOLD_ASSIGN_OR_RETURN(
      const LongTermCounts counts,
      synthesize_long_term(flags.logs, flags.events, flags.long_term, flags.log));
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
  if (flags.json) {
    std::cout << to_json(counts, flags, elapsed.count()).dump() << "\n";
    return {};
  }
  std::cout << fmt::format(
      "{} events ({} explicit) of {} users with {} to {} each -> {}\n"
      "{} samples in {} requests of {} sessions, {} clicks, {} likes, best possible NE {:.3f} -> "
      "{} "
      "in {:.1f} s\n",
      counts.events, counts.explicit_events, flags.long_term.users, counts.least_events,
      counts.most_events, flags.events, counts.samples, counts.requests, counts.sessions,
      counts.clicks, counts.likes, counts.bayes_ne, flags.logs, elapsed.count());
  return {};
}

Status run_synth(SynthFlags flags) {
  ONEFOLD_ASSIGN_OR_RETURN(flags.log.shard_by, parse_shard_by(flags.shard_by));
  if (!flags.events.empty()) return run_long_term(flags);
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

// Options that both kinds of log have, and what their defaults are with --events.
template <typename T>
void shared_option(CLI::App* app, const char* name, T& value, T& long_term, const char* what) {
  app->add_option_function<T>(
         name, [&value, &long_term](const T& given) { value = long_term = given; },
         fmt::format("{} [{}; with --events {}]", what, value, long_term))
      ->type_name("N");
}

void add_shared_options(CLI::App* app, SynthFlags* flags) {
  SynthOptions& synth = flags->synth;
  LongTermOptions& long_term = flags->long_term;
  shared_option(app, "--users", synth.users, long_term.users, "Number of users");
  shared_option(app, "--sessions-per-user", synth.sessions_per_user, long_term.sessions_per_user,
                "Mean number of sessions of a user");
  shared_option(app, "--samples-per-session", synth.samples_per_session,
                long_term.samples_per_session, "Mean number of candidates shown in a session");
  shared_option(app, "--candidates", synth.candidates, long_term.candidates,
                "Candidates per request");
  shared_option(app, "--items", synth.items, long_term.items, "Number of items");
  shared_option(app, "--topics", synth.topics, long_term.topics, "Number of topics");
  app->add_option_function<int64_t>(
         "--days",
         [&synth, &long_term](const int64_t& days) {
           synth.days = static_cast<double>(days);
           long_term.days = days;
         },
         fmt::format("Days from 2024-01-01 [{}; with --events {}]", synth.days, long_term.days))
      ->type_name("N");
  app->add_option_function<uint64_t>(
         "--seed",
         [&synth, &long_term](const uint64_t& seed) { synth.seed = long_term.seed = seed; },
         "The same seed and options give the same records [1]")
      ->type_name("N");
}

void add_options(CLI::App* app, SynthFlags* flags) {
  SynthOptions& synth = flags->synth;
  LongTermOptions& long_term = flags->long_term;
  app->add_option("LOGS", flags->logs, "Log directory to write; an older log there is replaced")
      ->required();
  add_shared_options(app, flags);
  CLI::Option* events =
      app->add_option("--events", flags->events,
                      "Users with long histories: also write their events of all days, as Parquet "
                      "files with a mapping for `onefold timeline build`, to this directory");
  const auto with_events = [app, events](const char* name, auto& value, const char* what) {
    app->add_option(name, value, what)->capture_default_str()->needs(events);
  };
  with_events("--min-events", long_term.min_events, "Fewest events of a user");
  with_events("--mean-events", long_term.mean_events, "Mean events of a user");
  with_events("--max-events", long_term.max_events, "Most events of a user");
  with_events("--authors", long_term.authors, "Number of authors; each has one topic");
  with_events("--ranking-days", long_term.ranking_days, "Last days, whose requests are logged");
  with_events("--history-length", long_term.history_length, "Newest events a request logs");
  const auto without = [app, events](const char* name, auto& value, const char* what) {
    app->add_option(name, value, what)->capture_default_str()->excludes(events);
  };
  without("--list-length", synth.list_length, "Mean length of histories and lists");
  without("--lists", synth.lists, "User id lists besides the history");
  without("--change-probability", synth.change_probability,
          "Chance that a list has a new value at the next request of a session");
  without("--item-features", synth.item_features, "Id features of an item besides its topic");
  app->add_option("--shard-by", flags->shard_by,
                  "session or request: what a record's shard is chosen by")
      ->capture_default_str();
  app->add_option("--shards", flags->log.num_shards, "Number of shards")->capture_default_str();
  app->add_option("--zstd-level", flags->log.zstd_level, "Compression, 1 to 22")
      ->capture_default_str();
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
      "  onefold synth logs/sparse --samples-per-session 8 --change-probability 1 --seed 7 --json\n"
      "  onefold synth logs/ranking --events events && \\\n"
      "  onefold timeline build events timelines --mapping events/mapping.toml");
  verb->callback([flags, &run] { run = [flags] { return run_synth(*flags); }; });
}

}  // namespace onefold::cli
