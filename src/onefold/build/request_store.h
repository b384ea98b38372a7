// SPDX-License-Identifier: Apache-2.0
// RequestStore: the feature log in memory, one row per request, as it was logged: a request of 11
// candidates keeps its history once.
#pragma once

#include <cstdint>
#include <limits>
#include <unordered_set>
#include <vector>

#include "onefold/log/record.h"

namespace onefold {

// Row `row` of block `block`: a request, or with the same meaning a candidate.
struct RowRef {
  int32_t block = 0;
  int32_t row = 0;
};

class RequestStore {
 public:
  // Requests at a time in [from_us, until_us) only.
  explicit RequestStore(int64_t from_us = std::numeric_limits<int64_t>::min(),
                        int64_t until_us = std::numeric_limits<int64_t>::max())
      : from_us_(from_us), until_us_(until_us) {}

  // Takes a block of records. A request id seen before is a duplicate: the first one counts.
  // A request without candidates makes no sample. Both are counted and left out of requests().
  void add(FeatureRecords&& records);

  // Requests to make samples of, in log order.
  const std::vector<RowRef>& requests() const { return requests_; }
  const FeatureRecords& block(const RowRef& ref) const { return blocks_[ref.block]; }

  int64_t session_id(const RowRef& r) const { return block(r).session_id[r.row]; }
  int64_t user_id(const RowRef& r) const { return block(r).user_id[r.row]; }
  int64_t request_id(const RowRef& r) const { return block(r).request_id[r.row]; }
  int64_t time_us(const RowRef& r) const { return block(r).time_us[r.row]; }
  int32_t first_candidate(const RowRef& r) const { return block(r).candidate_offsets[r.row]; }
  int32_t num_candidates(const RowRef& r) const {
    return block(r).candidate_offsets[r.row + 1] - first_candidate(r);
  }

  int64_t num_duplicates() const { return num_duplicates_; }
  int64_t num_empty() const { return num_empty_; }
  // Ids of requests outside the period, which are left out too.
  const std::unordered_set<int64_t>& outside() const { return outside_; }

 private:
  std::vector<FeatureRecords> blocks_;
  std::vector<RowRef> requests_;
  int64_t from_us_, until_us_;
  std::unordered_set<int64_t> seen_;  // request ids
  std::unordered_set<int64_t> outside_;
  int64_t num_duplicates_ = 0;
  int64_t num_empty_ = 0;
};

}  // namespace onefold
