// SPDX-License-Identifier: Apache-2.0
// torch.ops.onefold.id_sort: the ids of a batch sorted once, for every lookup into one stack of
// tables (kernels/id_sort/id_sort.h has a worked example).
#pragma once

#include <vector>

#include <ATen/core/Tensor.h>

namespace onefold {

struct SortedIds {
  at::Tensor rows;              // int32 [N] the table row of every id; -1 outside its table
  at::Tensor sorted_rows;       // int32 [N]
  at::Tensor sorted_positions;  // int32 [N]
  at::Tensor run_offsets;       // int32 [N + 1], of which counts[0] + 1 are written
  at::Tensor counts;            // int32 [2]: distinct rows, ids outside their table
};

// ids[f] int64 [N_f] look into rows [first_rows[f], first_rows[f] + num_rows[f]) of total_rows.
SortedIds id_sort(const std::vector<at::Tensor>& ids, const std::vector<int64_t>& first_rows,
                  const std::vector<int64_t>& num_rows, int64_t total_rows);

}  // namespace onefold
