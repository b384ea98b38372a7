// SPDX-License-Identifier: Apache-2.0
// TrafficPlan: the features of a synthetic ranker's log one by one, what moves together, and what
// each of them is at a given place.
//
// No list is stored. Every feature of a user has an endless sequence of values per version; a list
// is a window on it, so that sliding is adding to its start and changing is going to the next
// version.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "onefold/base/status.h"
#include "onefold/log/bounded_pareto.h"
#include "onefold/log/synth_random.h"
#include "onefold/log/traffic.h"

namespace onefold {

// Where a unit's lists are.
struct TrafficWindow {
  uint32_t version = 0, start = 0;
};

// Features that change together.
struct TrafficUnit {
  double change, shift, shift_by, change_between;
  bool slides;  // lists
  BoundedPareto length;
};

struct PlannedFeature {
  FeatureSpec spec;
  int64_t unit;  // of its scope
  int64_t vocabulary;
  uint64_t stream;  // seeds its values
};

class TrafficPlan {
 public:
  // REQUIRES: traffic_schema() accepts the options.
  explicit TrafficPlan(const TrafficOptions& options);

  const std::vector<PlannedFeature>& features() const { return features_; }
  const std::vector<TrafficUnit>& units(FeatureScope scope) const {
    return scope == FeatureScope::kUser ? user_units_ : item_units_;
  }

  // What happens to a user's windows, [units of users], from one request to the next.
  void advance(bool between_sessions, SynthRandom& random, TrafficWindow* windows) const;
  // Of the lists of a unit for one user or item.
  int64_t length(FeatureScope scope, int64_t unit, int64_t user_or_item) const;

  // The `length` values of a feature, appended.
  void append_ids(const PlannedFeature& feature, int64_t user_or_item, TrafficWindow window,
                  int64_t length, std::vector<int64_t>* values) const;
  void append_floats(const PlannedFeature& feature, int64_t user_or_item, TrafficWindow window,
                     int64_t length, std::vector<float>* values) const;

 private:
  void plan(const TrafficFeature& feature);

  uint64_t seed_;
  std::vector<PlannedFeature> features_;
  std::vector<TrafficUnit> user_units_, item_units_;
};

// "seen_3" of "seen", "seen" if there is only one; the same for "seen_group".
std::string traffic_name(const std::string& stem, int64_t number, int64_t count);

}  // namespace onefold
