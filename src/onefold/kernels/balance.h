// SPDX-License-Identifier: Apache-2.0
// Rows of uneven length on several threads: cut into ranges of even work, or taken one by one.
#pragma once

#include <atomic>
#include <cstdint>

#include "onefold/kernels/device.h"

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

// body(worker, item) for every item of [0, n), on the device's threads; a thread takes the next
// item when it is free. Calls at the same time have different workers, numbers below n, for scratch
// memory. What an item computes must not depend on its worker.
template <typename Body>
void parallel_items(const Device& device, int64_t n, Body&& body) {
  std::atomic<int64_t> next_worker{0}, next_item{0};
  parallel_for(device, n, 1, [&](int64_t, int64_t) {
    const int64_t worker = next_worker++;
    for (int64_t item = next_item++; item < n; item = next_item++) body(worker, item);
  });
}

}  // namespace onefold
