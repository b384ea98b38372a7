// SPDX-License-Identifier: Apache-2.0
// torch.ops.onefold.multi_slice_pool: DV365's 200 slices of a timeline, pooled in one pass over its
// events.
#pragma once

#include <optional>
#include <vector>

#include <ATen/core/Tensor.h>

#include "onefold/ops/window_plan.h"

namespace onefold {

// The events of a batch's timelines, side by side, and the slices they are pooled into. Slices are
// numbered table group by table group; all slices of a group look their ids up in its table.
struct TimelineSlices {
  std::vector<at::Tensor> tables;        // [num_groups]: each [num_rows, D], one dtype
  at::Tensor ids;                        // int64 [C, E]: id columns of the events
  std::vector<int64_t> id_columns;       // [num_groups]: the column of `ids` a group looks up
  at::Tensor masks;                      // int64 [E, ceil(S / 64)]: bit s, event is in slice s
  std::optional<at::Tensor> weights;     // float32 [E], for the weighted slices
  std::vector<int64_t> slice_offsets;    // [num_groups + 1]: slices of each group
  std::vector<int64_t> weighted_slices;  // slices that are weighted means; the others are means
};

// out[w, s] = mean of tables[g][ids[c, e]] over the events e of window w whose mask has bit s,
// where g is the group of slice s and c its id column; weighted by weights[e] where the slice says
// so; 0 where there are none. A negative id is an event that the group does not see.
//   plan of W windows  ->  [W, S, D]
//
// A row is gathered once per event and group, however many slices and windows hold the event; the
// windows of several samples of one user may overlap. Gives the tables' gradients; the same bits
// every run. With large tables pass the batch's distinct rows, and ids that number them. On CUDA
// 16-bit tables go to the tensor cores, weights rounded to their type; a row that is not finite
// then spoils every slice of its group. REQUIRES: ids below their table's number of rows; at most
// 32 groups and 512 slices.
at::Tensor multi_slice_pool(const TimelineSlices& timeline, const WindowPlan& plan);

}  // namespace onefold
