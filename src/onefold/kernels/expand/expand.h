// SPDX-License-Identifier: Apache-2.0
// expand: one row per sample from unique rows.   Backward: unique rows' sums over their samples.
//
//   unique           [10 11] [20 21]          grad_out   [1 1] [2 2] [3 3]
//   inverse_indices  0 0 1                    grad_unique  [3 3] [3 3]
//   out              [10 11] [10 11] [20 21]
//
// Sums run over each row's samples in one fixed order, in float32 (float64 for float64), so results
// are the same bit for bit from run to run and for any number of threads.
#pragma once

#include <cstddef>
#include <cstdint>

#include "onefold/kernels/device.h"

namespace onefold {

struct ExpandParams {
  const void* unique = nullptr;              // [num_unique, row_bytes]
  void* out = nullptr;                       // [num_samples, row_bytes]
  const int32_t* inverse_indices = nullptr;  // [num_samples], in [0, num_unique)
  const int32_t* members = nullptr;          // [num_samples] of index_csr; CUDA only
  int64_t num_unique = 0;
  int64_t num_samples = 0;
  int64_t row_bytes = 0;
};

// Rows of any type. CUDA walks the samples unique row by unique row, which reads each row once.
void expand(const ExpandParams& params, const Device& device);

struct ExpandBackwardParams {
  const void* grad_out = nullptr;            // [num_samples, width]
  void* grad_unique = nullptr;               // [num_unique, width]
  const int32_t* inverse_indices = nullptr;  // [num_samples]
  const int32_t* offsets = nullptr;          // [num_unique + 1] of index_csr
  const int32_t* members = nullptr;          // [num_samples] of index_csr
  int64_t num_unique = 0;
  int64_t num_samples = 0;
  int64_t width = 0;
  ScalarType type = ScalarType::kFloat32;
  void* workspace = nullptr;  // [expand_backward_workspace_bytes()]
};

size_t expand_backward_workspace_bytes(int64_t num_samples, int64_t width, ScalarType type,
                                       const Device& device);

void expand_backward(const ExpandBackwardParams& params, const Device& device);

// Bodies. The CPU ones do samples [begin, end); unique rows [row_begin, row_end), columns
// [column_begin, column_end).
void expand_scalar(const ExpandParams& params, int64_t begin, int64_t end);
void expand_cuda(const ExpandParams& params, Stream stream);

struct ExpandBackwardRange {
  int64_t row_begin, row_end, column_begin, column_end;
};
void expand_backward_scalar(const ExpandBackwardParams& params, const ExpandBackwardRange& range);
// Not float64.
void expand_backward_avx2(const ExpandBackwardParams& params, const ExpandBackwardRange& range);
void expand_backward_avx512(const ExpandBackwardParams& params, const ExpandBackwardRange& range);
size_t expand_backward_cuda_workspace_bytes(int64_t num_samples, int64_t width, ScalarType type);
void expand_backward_cuda(const ExpandBackwardParams& params, Stream stream);

}  // namespace onefold
