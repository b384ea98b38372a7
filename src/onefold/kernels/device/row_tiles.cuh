// SPDX-License-Identifier: Apache-2.0
// Cutting the entries of jagged rows into tiles, no tile across two rows, without a scan: so a grid
// can be launched from sizes that the host knows.
#pragma once

#include <cstdint>

namespace onefold {

// An upper bound on the number of tiles of `size` entries.
inline int64_t num_row_tiles(int64_t num_entries, int64_t num_rows, int64_t size) {
  return num_entries / size + num_rows;
}

struct RowTile {
  int row;
  int begin;  // first entry of the tile
  int end;    // begin >= end: an empty tile, nothing to do
};

// Row r owns tiles offsets[r] / size + r and on, up to the next row's; that is at least as many as
// it needs, because floor((a + n) / size) - floor(a / size) + 1 >= ceil(n / size).
// Every lane of the warp must call; they search together, 32 rows a step.
__device__ __forceinline__ RowTile find_row_tile(const int32_t* offsets, int num_rows, int size,
                                                 int tile) {
  const int lane = threadIdx.x % 32;
  int low = 0, high = num_rows;  // the row is in [low, high)
  while (high - low > 1) {
    const int step = (high - low + 31) / 32;
    const int probe = low + lane * step;
    const bool before = probe < high && __ldg(offsets + probe) / size + probe <= tile;
    const int count = __popc(__ballot_sync(0xffffffffu, before));
    low += (count - 1) * step;
    high = min(high, low + step);
  }
  const int first = __ldg(offsets + low);
  const int begin = first + (tile - (first / size + low)) * size;
  return {low, begin, min(begin + size, __ldg(offsets + low + 1))};
}

}  // namespace onefold
