// SPDX-License-Identifier: Apache-2.0
// Makes a log with the statistics of a ranker's traffic: sessions with a heavy tail of samples,
// hundreds of features that change and slide with given probabilities, lists up to 70,000 long.
//
//   within a session, change 0.5, shift 1:   [4 7 7 1] -> [4 7 7 1] -> [7 7 1 9] -> ...
//                             shift 0:       [4 7 7 1] -> [4 7 7 1] -> [3 0 2 8] -> ...
//
// For what folding, storing and reading cost. Clicks are drawn by chance, so that there is nothing
// to learn; synth.h makes logs with a planted taste.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "onefold/base/status.h"
#include "onefold/jagged/schema.h"
#include "onefold/log/log_writer.h"

namespace onefold {

// One number if all three are equal, else a Pareto distribution cut at both ends.
struct TrafficRange {
  double mean = 1, min = 1, max = 1;
};

// `count` features that have the same statistics.
struct TrafficFeature {
  std::string name;  // of one feature; of several name_0, name_1, ...
  int64_t count = 1;
  FeatureKind kind = FeatureKind::kIdList;
  FeatureScope scope = FeatureScope::kUser;
  // The features are dealt to so many feature groups, name_group_0, ... (of one group name_group),
  // whose features change and slide together and are equally long. 0: each by itself, in no group.
  int64_t groups = 0;
  TrafficRange length = {100, 100, 100};  // of lists; a user (or an item) keeps the length drawn
  // Scope user, from one request of a session to the next: the chance that the value changes; that
  // a list that changes slides (new values at the end, as many of the oldest dropped) instead of
  // being another; and by how much it slides (mean, geometric). Features of items never change.
  double change = 0.1, shift = 1, shift_by = 1;
  double change_between = 1;       // the chance of a change between two sessions of a user
  int64_t vocabulary = 1'000'000;  // ids are below; small ones are more frequent
};

struct TrafficOptions {
  int64_t users = 1'000;
  double sessions_per_user = 5;                     // mean; geometric
  TrafficRange samples_per_session = {16, 1, 400};  // multiples of the candidates
  int64_t candidates = 1;                           // per request
  int64_t items = 20'000;
  double click_rate = 0.1;
  double days = 7;  // from 2024-01-01 UTC
  uint64_t seed = 1;
  std::vector<TrafficFeature> features = {};
  std::function<void(int64_t done, int64_t all)> progress = {};  // sessions begun
};

struct TrafficCounts {
  int64_t sessions = 0;
  int64_t requests = 0;
  int64_t samples = 0;
  int64_t clicks = 0;
  int64_t longest_session = 0;  // samples
  int64_t longest_list = 0;     // of a user's feature
  int64_t user_values = 0;      // of all requests and features
};

// The features, and label "click". kInvalidArgument names the feature and what is wrong.
Result<Schema> traffic_schema(const TrafficOptions& options);

// Writes a log at `logs`, replacing an older log there in one step. The same options give the same
// bytes, whatever log_options.threads. kInvalidArgument for options out of range or when `logs`
// exists and is not a log.
// Memory: 8 bytes per user and unit (group or feature by itself), 100 per user, 8 per session, and
// one chunk of requests (4 million values, or one request).
Result<TrafficCounts> synthesize_traffic(const std::string& logs, const TrafficOptions& options,
                                         const LogOptions& log_options = {});

}  // namespace onefold
