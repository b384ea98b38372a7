// SPDX-License-Identifier: Apache-2.0
// What the two logs hold, as columns over many records.
//
//   feature log: one record per request. User features once, and the candidates shown.
//   event log:   one record per action a user took on a candidate, later.
//
// A request of 11 candidates therefore logs a 300-event history once, not 11 times.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "onefold/jagged/batch.h"
#include "onefold/jagged/schema.h"

namespace onefold {

// N requests with C candidates in total.
struct FeatureRecords {
  std::vector<int64_t> session_id;  // [N]
  std::vector<int64_t> user_id;     // [N]
  std::vector<int64_t> request_id;  // [N] unique in a log
  std::vector<int64_t> time_us;     // [N] microseconds since 1970 UTC
  DenseColumns user_dense;          // [N, Fu] dense features of scope user
  KeyedJaggedTensor user_features;  // N rows: the other features of scope user, schema order

  std::vector<int32_t> candidate_offsets = {0};  // [N + 1]
  std::vector<int64_t> item_id;                  // [C]
  DenseColumns item_dense;                       // [C, Fi] dense features of scope item
  KeyedJaggedTensor item_features;               // C rows: the other features of scope item

  int64_t num_requests() const { return static_cast<int64_t>(session_id.size()); }
  int64_t num_candidates() const { return static_cast<int64_t>(item_id.size()); }

  bool operator==(const FeatureRecords&) const = default;
};

// E events.
struct EventRecords {
  std::vector<int64_t> session_id;  // [E]
  std::vector<int64_t> user_id;     // [E]
  std::vector<int64_t> request_id;  // [E] the request whose candidate was acted on
  std::vector<int64_t> item_id;     // [E]
  std::vector<int64_t> time_us;     // [E]
  std::vector<std::string> action;  // [E] "click", "like", ...
  std::vector<float> value;         // [E] watch time, rating, ...; NaN if the action has none

  int64_t num_events() const { return static_cast<int64_t>(session_id.size()); }

  bool operator==(const EventRecords& other) const;  // bit for bit: NaN equals the same NaN
};

// The schema's features of one scope, in schema order: what the columns of FeatureRecords hold.
std::vector<FeatureSpec> dense_features(const Schema& schema, FeatureScope scope);
std::vector<FeatureSpec> jagged_features(const Schema& schema, FeatureScope scope);

// A column without rows for a jagged kind: ids for kId and kIdList, floats for kFloatList.
JaggedColumn empty_column(FeatureKind kind);

// No requests, but every column that `schema` names.
FeatureRecords empty_feature_records(const Schema& schema);

// `columns` (one per feature of `features`, `num_rows` rows each) under the features' names.
KeyedJaggedTensor keyed(const std::vector<FeatureSpec>& features, int64_t num_rows,
                        std::vector<JaggedColumn> columns);

// Throws CheckError unless all columns have as many rows as they must, and names, order and kinds
// follow `schema` (a row of an id feature holds at most one id).
void check_records(const FeatureRecords& records, const Schema& schema);
void check_records(const EventRecords& records);

}  // namespace onefold
