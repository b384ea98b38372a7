// SPDX-License-Identifier: Apache-2.0
#include "onefold/train/fold_meter.h"

#include <algorithm>

#include "onefold/jagged/fold_counts.h"

namespace onefold {

void FoldMeter::add(const Batch& batch) {
  for (const FeatureGroup& group : batch.groups) {
    auto meter = std::find_if(groups_.begin(), groups_.end(),
                              [&](const GroupFold& fold) { return fold.group == group.name; });
    if (meter == groups_.end()) {
      groups_.push_back({.group = group.name});
      meter = groups_.end() - 1;
    }
    const FoldCounts counts = count_fold(group.features);
    meter->samples += group.features.num_samples();
    meter->unique += group.features.num_unique();
    meter->sample_values += counts.sample_values;
    meter->unique_values += counts.stored_values;
  }
}

}  // namespace onefold
