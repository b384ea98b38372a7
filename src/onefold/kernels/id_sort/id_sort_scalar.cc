// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <numeric>

#include "onefold/kernels/id_sort/id_rows.h"
#include "onefold/kernels/id_sort/id_sort.h"

namespace onefold {

void id_sort_scalar(const IdSortParams& params) {
  id_rows_cpu(params, Device{});
  const auto row_of = [&](int32_t position) {
    const int32_t row = params.rows[position];
    return row < 0 ? static_cast<int32_t>(params.total_rows) : row;
  };
  int32_t* positions = params.sorted_positions;
  std::iota(positions, positions + params.num_ids, 0);
  std::stable_sort(positions, positions + params.num_ids,
                   [&](int32_t a, int32_t b) { return row_of(a) < row_of(b); });
  for (int64_t i = 0; i < params.num_ids; ++i) params.sorted_rows[i] = row_of(positions[i]);
  fill_runs(params);
}

}  // namespace onefold
