// SPDX-License-Identifier: Apache-2.0
// Makes users with long histories: months of events, and a ranking log over the last days of them.
//
// A user has a long-term taste over all topics and authors, and a present interest in two topics
// that lasts about a day. Most events follow the present interest, so that the newest 200 say
// little about the taste, 2,000 say more and all of them most. Whether a candidate is clicked
// depends on both (long_term_catalog.h has the formulas).
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "onefold/base/status.h"
#include "onefold/jagged/schema.h"
#include "onefold/log/log_writer.h"

namespace onefold {

struct LongTermOptions {
  int64_t users = 2'000;
  // Events of a user: a Pareto distribution cut at both ends that has this mean.
  int64_t min_events = 1'000, max_events = 70'000;
  double mean_events = 8'000;
  int64_t items = 20'000, authors = 1'000, topics = 100;
  int64_t days = 120;               // from 2024-01-01 UTC
  int64_t ranking_days = 16;        // the last of them: when requests are logged
  double sessions_per_user = 8;     // mean, in the ranking days; more for users with more events
  double samples_per_session = 24;  // mean; a session has a geometric number of requests
  int64_t candidates = 12;          // per request
  int64_t history_length = 200;     // newest events that a request logs
  uint64_t seed = 1;
  std::function<void(int64_t done, int64_t all)> progress = {};  // called after every day
};

struct LongTermCounts {
  int64_t events = 0;                         // in the event files
  int64_t explicit_events = 0;                // of these: likes, comments, ...
  int64_t most_events = 0, least_events = 0;  // of one user
  int64_t sessions = 0, requests = 0;
  int64_t samples = 0;  // candidates
  int64_t clicks = 0, likes = 0;
  double bayes_ne = 0;  // of click, as SynthCounts::bayes_ne
};

// Group "history", the newest events before the request, oldest first: history_item_id,
// history_author, history_topic, history_action (ids), history_watch_time (seconds, NaN for
// explicit ones). Per user: country (id). Per candidate: item_author, item_topic (ids),
// item_duration (dense, seconds). Labels click, like, and watch_time (seconds, 0 if not clicked).
Schema long_term_schema();

// Writes the ranking log at `logs` and the events of all days at `events`, one Parquet file a day
// and mapping.toml for `onefold timeline build`; what the requests show is among the events. An
// older log or events directory there is replaced in one step each. The same options give the same
// records. kInvalidArgument for options out of range, or when something else is at either place.
// Memory: one day's events, and per user the history and two floats per author.
Result<LongTermCounts> synthesize_long_term(const std::string& logs, const std::string& events,
                                            const LongTermOptions& options,
                                            const LogOptions& log_options = {});

}  // namespace onefold
