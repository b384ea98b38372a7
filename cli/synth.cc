// SPDX-License-Identifier: Apache-2.0
// onefold synth: a synthetic log of any size, with a planted taste; with --events, of users with
// long histories, and their events; with --traffic, with the statistics of a ranker's traffic.
#include "onefold/log/synth.h"

#include <chrono>
#include <iostream>
#include <memory>
#include <optional>

#include "cli/progress_line.h"
#include "cli/synth_report.h"
#include "cli/synth_traffic.h"
#include "cli/verbs.h"
#include <fmt/format.h>

#include "onefold/log/long_term.h"

namespace onefold::cli {
namespace {

struct SynthFlags {
  std::string logs, events, traffic;
  std::string shard_by = "session";
  SynthOptions synth;
  LongTermOptions long_term;
  std::optional<int64_t> users;  // if given
  std::optional<uint64_t> seed;
  LogOptions log;
  bool json = false, quiet = false;
};

// Makes the log and prints what `make(progress)` counted; `place` says what else to print.
template <typename Make>
Status run_kind(const SynthFlags& flags, const char* unit, SynthPlace place, const Make& make) {
  const auto start = std::chrono::steady_clock::now();
  const auto make_with_progress = [&] {
    ProgressLine progress(unit, flags.quiet);
    return make(progress.callback());
  };
  ONEFOLD_ASSIGN_OR_RETURN(const auto counts, make_with_progress());
  place.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  if (flags.json) {
    std::cout << to_json(counts, place).dump() << "\n";
  } else {
    std::cout << summary(counts, place) << "\n";
  }
  return {};
}

Status run_traffic(const SynthFlags& flags) {
  ONEFOLD_ASSIGN_OR_RETURN(auto options, read_traffic(flags.traffic));
  options.users = flags.users.value_or(options.users);
  options.seed = flags.seed.value_or(options.seed);
  const SynthPlace place = {flags.logs, "", options.users, options.seed};
  return run_kind(flags, "sessions", place, [&](auto progress) {
    options.progress = std::move(progress);
    return synthesize_traffic(flags.logs, options, flags.log);
  });
}

Status run_synth(SynthFlags flags) {
  ONEFOLD_ASSIGN_OR_RETURN(flags.log.shard_by, parse_shard_by(flags.shard_by));
  if (!flags.traffic.empty()) return run_traffic(flags);
  if (!flags.events.empty()) {
    const LongTermOptions& options = flags.long_term;
    const SynthPlace place = {flags.logs, flags.events, options.users, options.seed};
    return run_kind(flags, "days", place, [&](auto progress) {
      flags.long_term.progress = std::move(progress);
      return synthesize_long_term(flags.logs, flags.events, flags.long_term, flags.log);
    });
  }
  const SynthPlace place = {flags.logs, "", flags.synth.users, flags.synth.seed};
  return run_kind(flags, "sessions", place, [&](auto progress) {
    flags.synth.progress = std::move(progress);
    return synthesize(flags.logs, flags.synth, flags.log);
  });
}

// Options that both kinds of log have, and what their defaults are with --events.
template <typename T>
CLI::Option* shared_option(CLI::App* app, const char* name, T& value, T& long_term,
                           const char* what) {
  return app
      ->add_option_function<T>(
          name, [&value, &long_term](const T& given) { value = long_term = given; },
          fmt::format("{} [{}; with --events {}]", what, value, long_term))
      ->type_name("N");
}

void add_shared_options(CLI::App* app, SynthFlags* flags, CLI::Option* traffic) {
  SynthOptions& synth = flags->synth;
  LongTermOptions& long_term = flags->long_term;
  app->add_option_function<int64_t>(
         "--users",
         [flags](const int64_t& users) {
           flags->users = flags->synth.users = flags->long_term.users = users;
         },
         fmt::format("Number of users [{}; with --events {}; with --traffic its own]", synth.users,
                     long_term.users))
      ->type_name("N");
  shared_option(app, "--sessions-per-user", synth.sessions_per_user, long_term.sessions_per_user,
                "Mean number of sessions of a user")
      ->excludes(traffic);
  shared_option(app, "--samples-per-session", synth.samples_per_session,
                long_term.samples_per_session, "Mean number of candidates shown in a session")
      ->excludes(traffic);
  shared_option(app, "--candidates", synth.candidates, long_term.candidates,
                "Candidates per request")
      ->excludes(traffic);
  shared_option(app, "--items", synth.items, long_term.items, "Number of items")->excludes(traffic);
  shared_option(app, "--topics", synth.topics, long_term.topics, "Number of topics")
      ->excludes(traffic);
  app->add_option_function<int64_t>(
         "--days",
         [&synth, &long_term](const int64_t& days) {
           synth.days = static_cast<double>(days);
           long_term.days = days;
         },
         fmt::format("Days from 2024-01-01 [{}; with --events {}]", synth.days, long_term.days))
      ->type_name("N")
      ->excludes(traffic);
  app->add_option_function<uint64_t>(
         "--seed",
         [flags](const uint64_t& seed) {
           flags->seed = flags->synth.seed = flags->long_term.seed = seed;
         },
         "The same seed and options give the same records [1]")
      ->type_name("N");
}

void add_options(CLI::App* app, SynthFlags* flags) {
  SynthOptions& synth = flags->synth;
  LongTermOptions& long_term = flags->long_term;
  app->add_option("LOGS", flags->logs, "Log directory to write; an older log there is replaced")
      ->required();
  CLI::Option* traffic = app->add_option(
      "--traffic", flags->traffic,
      "TOML file: a ranker's traffic, with so many samples a session and features that change and "
      "slide so often (docs/verbs/synth.md)");
  add_shared_options(app, flags, traffic);
  CLI::Option* events =
      app->add_option("--events", flags->events,
                      "Users with long histories: also write their events of all days, as Parquet "
                      "files with a mapping for `onefold timeline build`, to this directory")
          ->excludes(traffic);
  const auto with_events = [app, events](const char* name, auto& value, const char* what) {
    app->add_option(name, value, what)->capture_default_str()->needs(events);
  };
  with_events("--min-events", long_term.min_events, "Fewest events of a user");
  with_events("--mean-events", long_term.mean_events, "Mean events of a user");
  with_events("--max-events", long_term.max_events, "Most events of a user");
  with_events("--authors", long_term.authors, "Number of authors; each has one topic");
  with_events("--ranking-days", long_term.ranking_days, "Last days, whose requests are logged");
  with_events("--history-length", long_term.history_length, "Newest events a request logs");
  const auto without = [=](const char* name, auto& value, const char* what) {
    app->add_option(name, value, what)->capture_default_str()->excludes(events)->excludes(traffic);
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
  app->add_option("--threads", flags->log.threads,
                  "Threads that compress the log, and make --traffic; they do not change it")
      ->capture_default_str();
  app->add_flag("--quiet", flags->quiet, "No progress line");
  app->add_flag("--json", flags->json, "Print counts as one JSON object");
}

}  // namespace

void add_synth(CLI::App& app, Run& run) {
  auto flags = std::make_shared<SynthFlags>();
  CLI::App* verb = app.add_subcommand("synth", "Write a synthetic log");
  add_options(verb, flags.get());
  verb->footer(
      "Examples:\n"
      "  onefold synth logs/small\n"
      "  onefold synth logs/long --users 200 --list-length 2000 --samples-per-session 64\n"
      "  onefold synth logs/sparse --samples-per-session 8 --change-probability 1 --seed 7 --json\n"
      "  onefold synth logs/ranking --events events && \\\n"
      "  onefold timeline build events timelines --mapping events/mapping.toml\n"
      "  onefold synth logs/ranker --traffic examples/synth/ranker.toml --threads 2");
  verb->callback([flags, &run] { run = [flags] { return run_synth(*flags); }; });
}

}  // namespace onefold::cli
