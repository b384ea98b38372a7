// SPDX-License-Identifier: Apache-2.0
#include "onefold/ops/payload_windows.h"

#include <numeric>

#include <ATen/ops/empty.h>

#include "onefold/jagged/jagged_tensor.h"
#include "onefold/ops/int32_tensor.h"
#include "onefold/ops/window_pool.h"

namespace onefold {
FoldIndex PayloadWindows::cut_index() const {
  const int64_t num_windows = starts.size(0);
  const int32_t* first = row_offsets.const_data_ptr<int32_t>();
  const int32_t* row = rows.inverse_indices.const_data_ptr<int32_t>();
  const int32_t* start = starts.const_data_ptr<int32_t>();
  const int32_t* bounds = offsets.const_data_ptr<int32_t>();
  at::Tensor index = at::empty({bounds[num_windows]}, at::kInt);
  int32_t* to = index.mutable_data_ptr<int32_t>();
  for (int64_t u = 0; u < num_windows; ++u) {
    std::iota(to + bounds[u], to + bounds[u + 1], first[row[u]] + start[u]);
  }
  return make_fold_index(index, first[row_offsets.size(0) - 1]);
}

at::Tensor pool_windows(const at::Tensor& values, const PayloadWindows& windows, Pooling pooling) {
  return window_pool(values, windows.row_offsets, windows.starts, windows.lengths, windows.rows,
                     pooling == Pooling::kMean);
}

PayloadWindows make_payload_windows(const RowWindows& windows, std::span<const int32_t> offsets) {
  std::vector<int32_t> starts, lengths, window_offsets = {0};
  int64_t num_values = 0;
  for (int64_t u = 0; u < windows.size(); ++u) {
    const ValueRange range = window_values(windows, u, offsets);
    starts.push_back(range.begin - offsets[windows.row[u]]);
    lengths.push_back(range.size());
    num_values += range.size();
    check_num_values(num_values);
    window_offsets.push_back(static_cast<int32_t>(num_values));
  }
  return {int32_tensor(offsets), int32_tensor(starts), int32_tensor(lengths),
          make_fold_index(int32_tensor(windows.row), static_cast<int64_t>(offsets.size()) - 1),
          int32_tensor(window_offsets)};
}

}  // namespace onefold
