// SPDX-License-Identifier: Apache-2.0
// jagged_index_select: jagged rows picked by one index, for many keys at once.
//
//   key c   rows [7 8] [10]   index 0 0 1   out [7 8] [7 8] [10]
//   key d   rows [9] []                     out [9] [9] []
//
//   values       7 8 10 9         out          7 8 7 8 10 9 9
//   offsets      0 2 3 4 4        out_offsets  0 2 4 5 6 7 7
//
// Keys come one after another (key major), all over the same rows; the last offset of a key is the
// first of the next. A value is a number or a row of numbers (value_bytes). This is RecD's O6: IKJT
// to one row per sample.
#pragma once

#include <cstddef>
#include <cstdint>

#include "onefold/kernels/device.h"

namespace onefold {

// The shape shared by the offsets, the forward and the backward.
struct JaggedSelection {
  const int32_t* offsets = nullptr;      // [num_keys * num_rows + 1]
  const int32_t* index = nullptr;        // [num_out_rows], in [0, num_rows)
  const int32_t* members = nullptr;      // [num_out_rows] of index_csr
  const int32_t* row_members = nullptr;  // [num_rows + 1], its offsets; backward only
  const int32_t* out_offsets = nullptr;  // [num_keys * num_out_rows + 1]
  int64_t num_keys = 0;
  int64_t num_rows = 0;
  int64_t num_out_rows = 0;
  // out_offsets[num_keys * num_out_rows], known where the batch was made, so that nothing waits for
  // the device. A row that would end past it is not written.
  int64_t num_out_values = 0;
};

// Fills `out_offsets` from selection.offsets and .index; its out_offsets and num_out_values are not
// read. On the CPU CheckError when the values pass 2^31 - 1.
size_t jagged_select_offsets_workspace_bytes(const JaggedSelection& selection,
                                             const Device& device);
void jagged_select_offsets(const JaggedSelection& selection, int32_t* out_offsets, void* workspace,
                           size_t workspace_bytes, const Device& device);

struct JaggedIndexSelectParams {
  JaggedSelection selection;
  const void* values = nullptr;  // [offsets[num_keys * num_rows], value_bytes]
  void* out = nullptr;           // [num_out_values, value_bytes]
  int64_t value_bytes = 0;
};

// CUDA walks the output rows source row by source row (index_csr), which reads each value once.
void jagged_index_select(const JaggedIndexSelectParams& params, const Device& device);

struct JaggedIndexSelectBackwardParams {
  JaggedSelection selection;
  const void* grad_out = nullptr;  // [num_out_values, width]
  void* grad_values = nullptr;     // [offsets[num_keys * num_rows], width]
  int64_t num_values = 0;          // offsets[num_keys * num_rows]
  int64_t width = 0;
  ScalarType type = ScalarType::kFloat32;
};

// Sums over the rows that were picked, in one fixed order: the same bit for bit in every run.
void jagged_index_select_backward(const JaggedIndexSelectBackwardParams& params,
                                  const Device& device);

// Bodies. The CPU ones do the output rows (backward: source rows) [begin, end) of all keys.
void jagged_select_offsets_scalar(const JaggedSelection& selection, int32_t* out_offsets);
size_t jagged_select_offsets_cuda_workspace_bytes(const JaggedSelection& selection);
void jagged_select_offsets_cuda(const JaggedSelection& selection, int32_t* out_offsets,
                                void* workspace, size_t workspace_bytes, Stream stream);
void jagged_index_select_scalar(const JaggedIndexSelectParams& params, int64_t begin, int64_t end);
void jagged_index_select_cuda(const JaggedIndexSelectParams& params, Stream stream);
void jagged_index_select_backward_scalar(const JaggedIndexSelectBackwardParams& params,
                                         int64_t begin, int64_t end);
void jagged_index_select_backward_cuda(const JaggedIndexSelectBackwardParams& params,
                                       Stream stream);

}  // namespace onefold
