// SPDX-License-Identifier: Apache-2.0
// One counter a row: two walks over the ids on one thread, which for few rows is less work than two
// radix passes on several.
#include <algorithm>

#include "onefold/kernels/id_sort/id_rows.h"
#include "onefold/kernels/id_sort/id_sort.h"

namespace onefold {

size_t id_sort_counting_workspace_bytes(int64_t total_rows) {
  return (total_rows + 2) * sizeof(int32_t);
}

void id_sort_counting(const IdSortParams& params, const Device& device) {
  id_rows_cpu(params, device);
  int32_t* next = static_cast<int32_t*>(params.workspace);  // next[row]: its next place
  std::fill(next, next + params.total_rows + 2, 0);
  const auto row_of = [&](int64_t i) {
    return params.rows[i] < 0 ? static_cast<int32_t>(params.total_rows) : params.rows[i];
  };
  for (int64_t i = 0; i < params.num_ids; ++i) ++next[row_of(i) + 1];
  for (int64_t row = 0; row < params.total_rows; ++row) next[row + 1] += next[row];
  for (int64_t i = 0; i < params.num_ids; ++i) {
    const int32_t place = next[row_of(i)]++;
    params.sorted_rows[place] = row_of(i);
    params.sorted_positions[place] = static_cast<int32_t>(i);
  }
  fill_runs(params);
}

}  // namespace onefold
