// SPDX-License-Identifier: Apache-2.0
// TrafficColumns: requests of a synthetic ranker's log as columns. Requests are noted one by one;
// their features are filled in later, all requests of one feature at a time, on several threads.
#pragma once

#include <cstdint>
#include <vector>

#include "onefold/log/record.h"
#include "onefold/log/traffic_plan.h"

namespace onefold {

struct RequestKeys {
  int64_t session_id = 0, user_id = 0, request_id = 0, time_us = 0;
};

class TrafficColumns {
 public:
  // Borrows the plan.
  TrafficColumns(const TrafficPlan& plan, Schema schema);

  void begin_request(const RequestKeys& keys,
                     const std::vector<TrafficWindow>& windows);  // [units of users]
  void add_candidate(int64_t item);

  int64_t num_requests() const { return records_.num_requests(); }
  int64_t num_values() const { return num_values_; }      // in the features of users
  int64_t longest_list() const { return longest_list_; }  // of users

  // The requests since the last take(). The same whatever the number of threads.
  FeatureRecords take(int threads);

 private:
  struct Column {
    const PlannedFeature* feature;
    size_t index;  // among the dense or the other features of its scope
  };

  void fill_dense(const Column& column);
  JaggedColumn jagged(const PlannedFeature& feature) const;
  // visit(user or item, windows, length) for every row of a feature.
  template <typename Visit>
  void for_each_row(const PlannedFeature& feature, const Visit& visit) const;

  const TrafficPlan& plan_;
  Schema schema_;
  std::vector<int64_t> features_of_unit_;  // of users
  std::vector<Column> dense_, user_jagged_, item_jagged_;

  FeatureRecords records_;
  std::vector<TrafficWindow> windows_;  // [requests, units of users]
  int64_t num_values_ = 0, longest_list_ = 0;
};

}  // namespace onefold
