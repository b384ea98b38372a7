// SPDX-License-Identifier: Apache-2.0
// Least significant digit first, 11 bits at a time. Every pass cuts the array into kChunks pieces
// that count and then scatter on their own; a piece's elements go behind those of the pieces before
// it, so the result is stable and the same for any number of threads.
#include <algorithm>
#include <cstring>

#include "onefold/kernels/id_sort/id_rows.h"
#include "onefold/kernels/id_sort/id_sort.h"

namespace onefold {
namespace {

constexpr int kDigitBits = 11;
constexpr int kDigits = 1 << kDigitBits;
constexpr int64_t kChunks = 8;
constexpr int64_t kGrain = 1 << 15;  // entries a task moves from one form to the other

struct Entry {
  uint32_t row;
  int32_t position;
};

struct Counts {
  int32_t of[kChunks][kDigits];
};

// One pass over `digit`: from -> to. Neither aliases the other.
void sort_by_digit(const Entry* from, Entry* to, int64_t size, int shift, Counts& counts,
                   const Device& device) {
  const int64_t chunk_size = (size + kChunks - 1) / kChunks;
  const auto digit_of = [shift](uint32_t row) { return (row >> shift) & (kDigits - 1); };
  parallel_for(device, kChunks, 1, [&](int64_t begin, int64_t end) {
    for (int64_t chunk = begin; chunk < end; ++chunk) {
      int32_t* count = counts.of[chunk];
      std::memset(count, 0, sizeof(counts.of[chunk]));
      const int64_t last = std::min(size, (chunk + 1) * chunk_size);
      for (int64_t i = chunk * chunk_size; i < last; ++i) ++count[digit_of(from[i].row)];
    }
  });
  int32_t next = 0;
  for (int digit = 0; digit < kDigits; ++digit) {
    for (int64_t chunk = 0; chunk < kChunks; ++chunk) {
      const int32_t count = counts.of[chunk][digit];
      counts.of[chunk][digit] = next;
      next += count;
    }
  }
  parallel_for(device, kChunks, 1, [&](int64_t begin, int64_t end) {
    for (int64_t chunk = begin; chunk < end; ++chunk) {
      int32_t* place = counts.of[chunk];
      const int64_t last = std::min(size, (chunk + 1) * chunk_size);
      for (int64_t i = chunk * chunk_size; i < last; ++i) {
        to[place[digit_of(from[i].row)]++] = from[i];
      }
    }
  });
}

}  // namespace

size_t id_sort_radix_workspace_bytes(int64_t num_ids) {
  return sizeof(Counts) + 2 * num_ids * sizeof(Entry);
}

void id_sort_radix(const IdSortParams& params, const Device& device) {
  id_rows_cpu(params, device);
  Counts& counts = *static_cast<Counts*>(params.workspace);
  Entry* from = reinterpret_cast<Entry*>(&counts + 1);
  Entry* to = from + params.num_ids;
  parallel_for(device, params.num_ids, kGrain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int32_t row = params.rows[i];
      from[i] = {static_cast<uint32_t>(row < 0 ? params.total_rows : row), static_cast<int32_t>(i)};
    }
  });
  for (int shift = 0; (params.total_rows >> shift) != 0; shift += kDigitBits) {
    sort_by_digit(from, to, params.num_ids, shift, counts, device);
    std::swap(from, to);
  }
  parallel_for(device, params.num_ids, kGrain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      params.sorted_rows[i] = static_cast<int32_t>(from[i].row);
      params.sorted_positions[i] = from[i].position;
    }
  });
  fill_runs(params);
}

}  // namespace onefold
