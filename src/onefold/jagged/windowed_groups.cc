// SPDX-License-Identifier: Apache-2.0
#include "onefold/jagged/windowed_groups.h"

#include "onefold/jagged/merge_rows.h"

namespace onefold {
namespace {

InverseKeyedJaggedTensor merge(const InverseKeyedJaggedTensor& features,
                               const std::vector<int64_t>& user_id) {
  std::vector<int64_t> owners(features.num_unique());
  // Backwards, so that a row which two users share belongs to the first.
  for (int64_t i = features.num_samples() - 1; i >= 0; --i) {
    owners[features.inverse_indices()[i]] = user_id[i];
  }
  MergedRows merged = merge_rows(features.unique(), owners);
  return InverseKeyedJaggedTensor::make_windowed(
             std::move(merged.payload), std::move(merged.windows), features.inverse_indices())
      .value();
}

}  // namespace

Batch with_windows(Batch batch, const Schema& schema) {
  for (FeatureGroup& group : batch.groups) {
    if (group.features.is_windowed() || !schema.is_windowed(group.name)) continue;
    group.features = merge(group.features, batch.user_id);
  }
  return batch;
}

}  // namespace onefold
