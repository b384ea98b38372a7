// SPDX-License-Identifier: Apache-2.0
// Sums or means over windows of payload rows (partial IKJTs): windows of many samples overlap, so
// each payload value is added up once, into prefix sums, and a window is a difference of two.
//
//   row values    1 2 3 4 5          windows (start, length)   (0, 3)  (2, 3)  (1, 0)
//   prefix      0 1 3 6 10 15        sums                       6-0     15-3    0
//
// Prefixes are kept for every kWindowBlock-th value of a row only, in double; the values between a
// block's edge and the window's are added directly. That is a 32nd of the memory, and the
// difference of two long sums loses nothing that float32 could hold. On the CPU a window of at most
// kDirectWindow values is added up directly, and a row without a longer one has no prefixes.
#pragma once

#include <cstdint>

#include "onefold/kernels/device.h"

namespace onefold {

inline constexpr int32_t kWindowBlock = 32;
inline constexpr int32_t kDirectWindow = 128;

struct WindowPool {
  ScalarType type;     // of values and pooled, and of their gradients
  bool mean;           // divide by the length; an empty window is 0 either way
  int64_t width;       // columns of a value
  int64_t num_values;  // row_offsets[num_rows]
  int64_t num_rows;
  int64_t num_windows;
  const int32_t* row_offsets;     // [num_rows + 1]
  const int32_t* rows;            // [num_windows]: the row that a window lies in
  const int32_t* starts;          // [num_windows]: first value, counted from the row's first
  const int32_t* lengths;         // [num_windows]
  const int32_t* window_offsets;  // [num_rows + 1]: windows grouped by row
  const int32_t* members;         // [num_windows]
};

// Row r's blocks begin at row_offsets[r] / kWindowBlock + r: no scan, at most one spare a row.
inline int64_t num_window_blocks(const WindowPool& shape) {
  return shape.num_values / kWindowBlock + shape.num_rows;
}

// REQUIRES: 0 <= starts[w], starts[w] + lengths[w] <= the row's length.
void window_pool(const Device& device, const WindowPool& shape,
                 const void* values,  // [num_values, width]
                 double* prefix,      // workspace [num_window_blocks(), width]
                 void* pooled         // [num_windows, width]
);

// Every value sums the gradients of the windows that hold it: within a block by a range add and a
// scan, in the order of `members`: the same bits every run.
void window_pool_backward(const Device& device, const WindowPool& shape,
                          const void* grad_pooled,  // [num_windows, width]
                          void* grad_values         // [num_values, width]
);

// The bodies that window_pool.cc chooses from; CPU bodies take ranges of rows with their windows,
// while the row is in the cache. The vector ones take float32.
void window_pool_scalar(const WindowPool& shape, const void* values, double* prefix, void* pooled,
                        int64_t begin, int64_t end);
void window_pool_avx2(const WindowPool& shape, const float* values, double* prefix, float* pooled,
                      int64_t begin, int64_t end);
void window_pool_avx512(const WindowPool& shape, const float* values, double* prefix, float* pooled,
                        int64_t begin, int64_t end);
void window_pool_backward_scalar(const WindowPool& shape, const void* grad_pooled,
                                 void* grad_values, int64_t begin, int64_t end);
void window_pool_backward_avx2(const WindowPool& shape, const float* grad_pooled,
                               float* grad_values, int64_t begin, int64_t end);
void window_pool_backward_avx512(const WindowPool& shape, const float* grad_pooled,
                                 float* grad_values, int64_t begin, int64_t end);
void window_pool_cuda(const WindowPool& shape, const void* values, double* prefix, void* pooled,
                      Stream stream);
void window_pool_backward_cuda(const WindowPool& shape, const void* grad_pooled, void* grad_values,
                               Stream stream);

}  // namespace onefold
