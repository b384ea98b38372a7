// SPDX-License-Identifier: Apache-2.0
#include "onefold/ops/slice_pooling.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/tensor.h>

#include "onefold/ops/multi_slice_pool.h"

namespace onefold {

at::Tensor pool_slices(const SliceLayout& layout, const TimelineTensors& timelines,
                       const std::vector<at::Tensor>& table_rows) {
  std::vector<at::Tensor> parts;
  for (int t = 0; t < kNumTimelines; ++t) {
    const TimelineLayout& timeline = layout.timelines[t];
    if (timeline.empty()) continue;
    const EventTensors& events = timelines.timelines[t];
    TimelineSlices slices{.tables = {},
                          .ids = events.ids,
                          .id_columns = timeline.id_columns,
                          .masks = events.masks,
                          .weights = events.weights,
                          .slice_offsets = {},
                          .weighted_slices = timeline.weighted};
    for (int table : timeline.group_table) slices.tables.push_back(table_rows[table]);
    slices.slice_offsets.assign(timeline.plan.group_offsets.begin(),
                                timeline.plan.group_offsets.end());
    const at::Tensor pooled = multi_slice_pool(slices, events.windows);  // [U * windows, P, D]
    parts.push_back(pooled.view({timelines.num_rows, -1, pooled.size(2)}));
  }
  const at::Tensor all = parts.size() == 1 ? parts.front() : at::cat(parts, 1);
  return all.index_select(1, at::tensor(layout.token_places, all.options().dtype(at::kLong)));
}

}  // namespace onefold
