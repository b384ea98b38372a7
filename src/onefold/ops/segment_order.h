// SPDX-License-Identifier: Apache-2.0
// SegmentOrder: an index turned around, for reducing gradients without atomics.
//
//   index     0 0 1 0 2          entry i was read from row index[i]
//   rows      0: 0 1 3   1: 2   2: 4
//   members   0 1 3 2 4          ascending within a row: sums have one order for any thread count
//   offsets   0 3 4 5
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace onefold {

struct SegmentOrder {
  std::vector<int32_t> offsets;  // [num_rows + 1]
  std::vector<int32_t> members;  // [N]

  int64_t num_rows() const { return static_cast<int64_t>(offsets.size()) - 1; }
  std::span<const int32_t> row(int64_t r) const {
    return std::span(members).subspan(offsets[r], offsets[r + 1] - offsets[r]);
  }
};

// Counting sort, O(N + num_rows). REQUIRES: 0 <= index[i] < num_rows.
SegmentOrder segment_order(std::span<const int32_t> index, int64_t num_rows);

// Cuts the rows of `offsets` into `num_parts` consecutive ranges of about equally many entries
// (rows + values): part p is [result[p], result[p + 1]).
std::vector<int64_t> balanced_parts(std::span<const int32_t> offsets, int64_t num_parts);

}  // namespace onefold
