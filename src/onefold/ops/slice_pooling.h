// SPDX-License-Identifier: Apache-2.0
// pool_slices: the slices of a batch's timelines as tokens.
#pragma once

#include <vector>

#include <ATen/core/TensorBody.h>

#include "onefold/ops/timeline_tensors.h"

namespace onefold {

// Token i of a row is the pooled slice i (ops/multi_slice_pool.h): the mean, or weighted mean, of
// its events' table rows; zeros where it has no events.
//   table_rows: of each of layout.tables, [R, D], numbered as timelines.*.ids say -> [U, N, D]
at::Tensor pool_slices(const SliceLayout& layout, const TimelineTensors& timelines,
                       const std::vector<at::Tensor>& table_rows);

}  // namespace onefold
