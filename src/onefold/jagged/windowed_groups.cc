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

Batch with_windows(const Batch& batch, const Schema& schema) {
  Batch result{.session_id = batch.session_id,
               .user_id = batch.user_id,
               .request_id = batch.request_id,
               .item_id = batch.item_id,
               .time_us = batch.time_us,
               .dense = batch.dense,
               .labels = batch.labels,
               .features = batch.features,
               .groups = {}};  // not copied before they are merged: they are the large part
  for (const FeatureGroup& group : batch.groups) {
    const bool merges = schema.is_windowed(group.name) && !group.features.is_windowed();
    result.groups.push_back(
        {group.name, merges ? merge(group.features, batch.user_id) : group.features});
  }
  return result;
}

}  // namespace onefold
