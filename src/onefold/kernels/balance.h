// SPDX-License-Identifier: Apache-2.0
// Cutting rows of uneven length into ranges of even work.
#pragma once

#include <cstdint>

namespace onefold {

// A row is worth one unit plus one for each of its entries, so num_rows + offsets[num_rows] units
// in all. The first row whose work begins at or after `work`: ranges [first_row_at(a),
// first_row_at(b)) of consecutive [a, b) cover every row once.
inline int64_t first_row_at(int64_t work, const int32_t* offsets, int64_t num_rows) {
  int64_t low = 0, high = num_rows;
  while (low < high) {
    const int64_t middle = (low + high) / 2;
    if (offsets[middle] + middle < work) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

}  // namespace onefold
