// SPDX-License-Identifier: Apache-2.0
#include "onefold/train/fold_meter.h"

#include <algorithm>

namespace onefold {

void FoldMeter::add(const Batch& batch) {
  for (const FeatureGroup& group : batch.groups) {
    auto meter = std::find_if(groups_.begin(), groups_.end(),
                              [&](const GroupFold& fold) { return fold.group == group.name; });
    if (meter == groups_.end()) {
      groups_.push_back({.group = group.name});
      meter = groups_.end() - 1;
    }
    const KeyedJaggedTensor& unique = group.features.unique();
    meter->samples += group.features.num_samples();
    meter->unique += group.features.num_unique();
    for (int64_t key = 0; key < unique.num_keys(); ++key) {
      meter->unique_values += num_values(unique.column(key));
      for (int32_t row : group.features.inverse_indices()) {
        meter->sample_values += length(unique.column(key), row);
      }
    }
  }
}

}  // namespace onefold
