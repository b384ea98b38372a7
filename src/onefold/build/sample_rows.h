// SPDX-License-Identifier: Apache-2.0
// SampleRows: which records become the samples of one row group, and their labels.
#pragma once

#include <cstdint>
#include <vector>

#include "onefold/build/sorted_runs.h"

namespace onefold {

// Row `row` of block `block`: a request, or with the same meaning a candidate.
struct RowRef {
  int32_t block = 0;
  int32_t row = 0;
};

struct SampleRows {
  int64_t period = 0;               // partition.h
  std::vector<RecordsPtr> blocks;   // what the refs refer to
  std::vector<RowRef> requests;     // [N] in table order, each with a sample
  std::vector<int32_t> request_of;  // [B] index into requests
  std::vector<RowRef> candidates;   // [B]
  std::vector<float> labels;        // [B * L]

  const FeatureRecords& block(const RowRef& ref) const { return *blocks[ref.block]; }
  int64_t session_id(const RowRef& r) const { return block(r).session_id[r.row]; }
  int64_t user_id(const RowRef& r) const { return block(r).user_id[r.row]; }
  int64_t request_id(const RowRef& r) const { return block(r).request_id[r.row]; }
  int64_t time_us(const RowRef& r) const { return block(r).time_us[r.row]; }
};

}  // namespace onefold
