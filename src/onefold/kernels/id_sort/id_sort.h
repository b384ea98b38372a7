// SPDX-License-Identifier: Apache-2.0
// id_sort: the ids of a batch, sorted once, for every lookup into one stack of tables.
//
//   table a (rows 0..9)  ids 7 2 7    table b (rows 10..14)  ids 2 9
//   rows              7 2 7 12 -1       b has five rows: 9 is outside and looks up nothing
//   sorted_rows       2 7 7 12 15       15, one past the last row, stands for "outside"
//   sorted_positions  1 0 2 3 4         stable: ascending where rows are equal
//   run_offsets       0 1 3 4           one run per distinct row, and the end of the last
//   counts            3 1               runs, ids outside their table
//
// The forward gather of distinct rows and the backward reduction both walk the runs.
#pragma once

#include <cstddef>
#include <cstdint>

#include "onefold/kernels/device.h"

namespace onefold {

// One feature's ids and the table they look into: rows [first_row, first_row + num_rows) of the
// stacked tables.
struct TableIds {
  const int64_t* ids = nullptr;  // [num_ids]
  int64_t num_ids = 0;
  int64_t first_row = 0;
  int64_t num_rows = 0;
};

struct IdSortParams {
  const TableIds* features = nullptr;  // [num_features], in host memory
  int64_t num_features = 0;
  int64_t num_ids = 0;                  // of all features; fewer than 2^31
  int64_t total_rows = 0;               // of all tables; fewer than 2^31 - 1
  int32_t* rows = nullptr;              // [num_ids]
  int32_t* sorted_rows = nullptr;       // [num_ids]
  int32_t* sorted_positions = nullptr;  // [num_ids]
  int32_t* run_offsets = nullptr;       // [num_ids + 1], of which counts[0] + 1 are written
  int32_t* counts = nullptr;            // [2]
  void* workspace = nullptr;            // [id_sort_workspace_bytes()], 256-byte aligned
  size_t workspace_bytes = 0;
};

size_t id_sort_workspace_bytes(int64_t num_ids, int64_t total_rows, const Device& device);

void id_sort(const IdSortParams& params, const Device& device);

// Fills rows and nothing else, for a lookup that has no backward. Reads features, num_features and
// num_ids.
void id_rows(const IdSortParams& params, const Device& device);

// Bodies. The scalar one is std::stable_sort; the counting one is for at most kCountingRows rows,
// whose counters stay in the second-level cache; the radix one sorts by digits, on the caller's
// threads.
inline constexpr int64_t kCountingRows = 1 << 16;
void id_sort_scalar(const IdSortParams& params);
size_t id_sort_counting_workspace_bytes(int64_t total_rows);
void id_sort_counting(const IdSortParams& params, const Device& device);
size_t id_sort_radix_workspace_bytes(int64_t num_ids);
void id_sort_radix(const IdSortParams& params, const Device& device);
size_t id_sort_cuda_workspace_bytes(int64_t num_ids, int64_t total_rows);
void id_sort_cuda(const IdSortParams& params, Stream stream);
void id_rows_cpu(const IdSortParams& params, const Device& device);
void id_rows_cuda(const IdSortParams& params, Stream stream);

}  // namespace onefold
