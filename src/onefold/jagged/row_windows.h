// SPDX-License-Identifier: Apache-2.0
// RowWindows: rows that are views on longer payload rows, and may overlap (a partial IKJT; in
// Arrow's terms a ListView).
//
//   rows         [3,4,5]    [4,5,6]
//   payload row  [3,4,5,6]
//   row 0 0   start 0 1   length 3 3
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "onefold/jagged/keyed_jagged_tensor.h"

namespace onefold {

// Window u is values [start[u], start[u] + length[u]) of payload row `row[u]`, of every key. A key
// whose list ends before the window does gives what it has of it, as Python's slices do; so lists
// of different lengths share a window that is as long as the longest.
struct RowWindows {
  std::vector<int32_t> row;     // [U]
  std::vector<int32_t> start;   // [U]
  std::vector<int32_t> length;  // [U]

  int64_t size() const { return static_cast<int64_t>(row.size()); }
  void push(int32_t payload_row, int32_t first, int32_t count) {
    row.push_back(payload_row);
    start.push_back(first);
    length.push_back(count);
  }

  bool operator==(const RowWindows&) const = default;
};

// Values of one key: [begin, end) of its JaggedTensor's values.
struct ValueRange {
  int32_t begin = 0, end = 0;
  int32_t size() const { return end - begin; }
};

// The values of window `u` for a key with these offsets.
ValueRange window_values(const RowWindows& windows, int64_t u, std::span<const int32_t> offsets);
ValueRange window_values(const RowWindows& windows, int64_t u, const JaggedColumn& column);

// One row per window, [U].
KeyedJaggedTensor cut_windows(const KeyedJaggedTensor& payload, const RowWindows& windows);

// Values of the longest of the keys' lists of a payload row.
int64_t longest_list(const KeyedJaggedTensor& payload, int64_t row);

// Whether the keys' lists of every payload row are of one length.
bool is_parallel(const KeyedJaggedTensor& payload);

// kDataLoss unless every window lies in a payload row (in that of its longest list) and every
// payload row has a window.
Status check_windows(const KeyedJaggedTensor& payload, const RowWindows& windows);

}  // namespace onefold
