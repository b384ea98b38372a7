// SPDX-License-Identifier: Apache-2.0
// Makes a log of any size with a planted taste, for benchmarks, demos and tests.
//
// Items have a topic; users prefer a few topics, fill their histories from them and click
// candidates of them far more often (synth_taste.h), so that a model that matches history against
// candidate learns something a model without history cannot. Every true click probability is
// known, and so is the normalized entropy that no model can beat.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "onefold/base/status.h"
#include "onefold/jagged/schema.h"
#include "onefold/log/log_writer.h"

namespace onefold {

struct SynthOptions {
  int64_t users = 750;
  double sessions_per_user = 5;     // mean; geometric
  double samples_per_session = 16;  // mean; a session has a geometric number of requests
  int64_t candidates = 8;           // per request
  int64_t items = 5'000;
  int64_t topics = 20;
  int64_t list_length = 100;  // mean; a user's lists keep one length in [1/2, 3/2] of it
  int64_t lists = 2;          // user id lists besides the history
  int64_t item_features = 2;  // item_tag_0, item_tag_1, ...
  // Chance, for the history and for each list, that a new value is there at the next request of
  // the session. Between sessions new values always come in.
  double change_probability = 0.1;
  double days = 7;  // from 2024-01-01 UTC
  uint64_t seed = 1;
  // Called now and then with the sessions begun, and all.
  std::function<void(int64_t done, int64_t all)> progress = {};
};

struct SynthCounts {
  int64_t sessions = 0;
  int64_t requests = 0;
  int64_t samples = 0;  // candidates
  int64_t clicks = 0;
  // Mean entropy of the true click probabilities over the entropy of their mean: the normalized
  // entropy of a model that knows them.
  double bayes_ne = 0;
};

// Group "history": history_item_id, history_topic, history_dwell (seconds), parallel, oldest first.
// user_list_i in group "list_i" each, so that they change apart. Per user: country (id), activity
// (dense). Per candidate: item_topic (id), item_age (dense, days), item_tag_i (id). Label "click".
Schema synth_schema(const SynthOptions& options);

// Writes a log at `logs`, replacing an older log there in one step. The same options give the same
// records; requests are appended in time order, users interleaved. kInvalidArgument for options
// out of range or when `logs` exists and is not a log.
// Memory: the users' current lists, and 8 bytes per session.
Result<SynthCounts> synthesize(const std::string& logs, const SynthOptions& options,
                               const LogOptions& log_options = {});

}  // namespace onefold
