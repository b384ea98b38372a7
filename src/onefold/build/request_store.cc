// SPDX-License-Identifier: Apache-2.0
#include "onefold/build/request_store.h"

#include <utility>

namespace onefold {

void RequestStore::add(FeatureRecords&& records) {
  const auto block = static_cast<int32_t>(blocks_.size());
  for (int32_t row = 0; row < records.num_requests(); ++row) {
    if (records.time_us[row] < from_us_ || records.time_us[row] >= until_us_) {
      outside_.insert(records.request_id[row]);
      continue;
    }
    if (!seen_.insert(records.request_id[row]).second) {
      ++num_duplicates_;
    } else if (records.candidate_offsets[row] == records.candidate_offsets[row + 1]) {
      ++num_empty_;
    } else {
      requests_.push_back({block, row});
    }
  }
  blocks_.push_back(std::move(records));
}

}  // namespace onefold
