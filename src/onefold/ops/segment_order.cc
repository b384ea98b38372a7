// SPDX-License-Identifier: Apache-2.0
#include "onefold/ops/segment_order.h"

#include <algorithm>

#include "onefold/base/check.h"

namespace onefold {

SegmentOrder segment_order(std::span<const int32_t> index, int64_t num_rows) {
  SegmentOrder order;
  order.offsets.assign(num_rows + 1, 0);
  for (int32_t row : index) {
    ONEFOLD_DCHECK(row >= 0 && row < num_rows, "index leaves its rows");
    ++order.offsets[row + 1];
  }
  for (int64_t r = 0; r < num_rows; ++r) order.offsets[r + 1] += order.offsets[r];
  order.members.resize(index.size());
  std::vector<int32_t> next(order.offsets.begin(), order.offsets.end() - 1);
  for (size_t i = 0; i < index.size(); ++i)
    order.members[next[index[i]]++] = static_cast<int32_t>(i);
  return order;
}

std::vector<int64_t> balanced_parts(std::span<const int32_t> offsets, int64_t num_parts) {
  const int64_t num_rows = static_cast<int64_t>(offsets.size()) - 1;
  const int64_t total = num_rows + offsets[num_rows];
  std::vector<int64_t> bounds(num_parts + 1, num_rows);
  bounds[0] = 0;
  int64_t row = 0;
  for (int64_t part = 1; part < num_parts; ++part) {
    while (row < num_rows && row + offsets[row] < total * part / num_parts) ++row;
    bounds[part] = row;
  }
  return bounds;
}

}  // namespace onefold
