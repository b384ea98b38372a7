// SPDX-License-Identifier: Apache-2.0
// Forward: block sums in parallel, a scan of each row's few block sums, then the windows. A thread
// is one column of one block, row or window; neighbours are neighbouring columns. Backward: a
// thread is one column of one block and keeps the block's range adds in shared memory.
#include <cstdint>

#include "onefold/kernels/device/cuda_check.cuh"
#include "onefold/kernels/device/pack.cuh"
#include "onefold/kernels/window_pool/window_pool.h"

namespace onefold {
namespace {

// ------------------------------------------------------------------------------------ kernels

constexpr int kThreads = 128;

// Values [begin, end) of the payload; empty for a spare block.
struct Block {
  int row;
  int begin;
  int end;
};

__device__ Block block_at(const WindowPool& shape, int block) {
  int low = 0, high = static_cast<int>(shape.num_rows);  // the row is in [low, high)
  while (high - low > 1) {
    const int middle = (low + high) / 2;
    if (__ldg(shape.row_offsets + middle) / kWindowBlock + middle <= block) {
      low = middle;
    } else {
      high = middle;
    }
  }
  const int first = __ldg(shape.row_offsets + low);
  const int begin = first + (block - (first / kWindowBlock + low)) * kWindowBlock;
  return {low, begin, min(begin + kWindowBlock, __ldg(shape.row_offsets + low + 1))};
}

template <typename T>
__global__ void __launch_bounds__(kThreads)
    block_sums_kernel(WindowPool shape, const T* values, double* sums, int64_t num_blocks) {
  const int64_t thread = int64_t{blockIdx.x} * kThreads + threadIdx.x;
  const int64_t block = thread / shape.width;
  if (block >= num_blocks) return;
  const Block at = block_at(shape, static_cast<int>(block));
  const T* value = values + at.begin * shape.width + thread % shape.width;
  double sum = 0;
#pragma unroll 8
  for (int i = at.begin; i < at.end; ++i, value += shape.width) sum += to_sum(*value);
  sums[thread] = sum;
}

// In place: sums of blocks become sums of all blocks of the row before.
__global__ void __launch_bounds__(kThreads) scan_kernel(WindowPool shape, double* prefix) {
  const int64_t thread = int64_t{blockIdx.x} * kThreads + threadIdx.x;
  const int64_t row = thread / shape.width;
  if (row >= shape.num_rows) return;
  const int begin = shape.row_offsets[row];
  const int count = (shape.row_offsets[row + 1] - begin + kWindowBlock - 1) / kWindowBlock;
  double* at = prefix + (begin / kWindowBlock + row) * shape.width + thread % shape.width;
  double sum = 0;
#pragma unroll 8
  for (int i = 0; i < count; ++i, at += shape.width) {
    const double block = *at;
    *at = sum;
    sum += block;
  }
}

template <typename T>
__global__ void __launch_bounds__(kThreads)
    windows_kernel(WindowPool shape, const T* values, const double* prefix, T* pooled) {
  const int64_t thread = int64_t{blockIdx.x} * kThreads + threadIdx.x;
  const int64_t window = thread / shape.width, column = thread % shape.width;
  if (window >= shape.num_windows) return;
  const int row = shape.rows[window];
  const int row_begin = shape.row_offsets[row];
  const int length = shape.row_offsets[row + 1] - row_begin;
  const int start = shape.starts[window], end = start + shape.lengths[window];
  const T* value = values + row_begin * shape.width + column;
  const int first = start / kWindowBlock;
  int last = end / kWindowBlock;
  double sum = 0;
  if (first == last) {
    for (int i = start; i < end; ++i) sum += to_sum(value[i * shape.width]);
  } else {
    // The edge at the row's end has no prefix when the row fills its last block.
    if (end == length && end % kWindowBlock == 0) --last;
    const double* of_row = prefix + (row_begin / kWindowBlock + row) * shape.width + column;
    sum = of_row[last * shape.width] - of_row[first * shape.width];
    for (int i = first * kWindowBlock; i < start; ++i) sum -= to_sum(value[i * shape.width]);
    for (int i = last * kWindowBlock; i < end; ++i) sum += to_sum(value[i * shape.width]);
  }
  if (shape.mean && end > start) sum /= end - start;
  pooled[thread] = from_sum<T>(static_cast<typename SumOf<T>::type>(sum));
}

template <typename T>
__global__ void __launch_bounds__(kThreads)
    backward_kernel(WindowPool shape, const T* grad_pooled, T* grad_values, int64_t num_blocks) {
  __shared__ double steps[kWindowBlock + 1][kThreads];
  const int64_t thread = int64_t{blockIdx.x} * kThreads + threadIdx.x;
  const int64_t block = thread / shape.width, column = thread % shape.width;
  if (block >= num_blocks) return;
  const Block at = block_at(shape, static_cast<int>(block));
  if (at.begin >= at.end) return;
  const int row_begin = shape.row_offsets[at.row];
  const int first = at.begin - row_begin, last = at.end - row_begin;
  double(&mine)[kWindowBlock + 1][kThreads] = steps;  // column threadIdx.x: no other thread's
  for (int i = 0; i <= kWindowBlock; ++i) mine[i][threadIdx.x] = 0;
  const int end_member = shape.window_offsets[at.row + 1];
  for (int i = shape.window_offsets[at.row]; i < end_member; ++i) {
    const int window = shape.members[i];
    const int length = shape.lengths[window];
    const int start = max(shape.starts[window], first);
    const int end = min(shape.starts[window] + length, last);
    if (start >= end) continue;
    double part = to_sum(grad_pooled[window * shape.width + column]);
    if (shape.mean) part /= length;
    mine[start - first][threadIdx.x] += part;
    mine[end - first][threadIdx.x] -= part;
  }
  double sum = 0;
  for (int i = at.begin; i < at.end; ++i) {
    sum += mine[i - at.begin][threadIdx.x];
    grad_values[i * shape.width + column] = from_sum<T>(static_cast<typename SumOf<T>::type>(sum));
  }
}

// ----------------------------------------------------------------------------------- launches

int blocks_for(int64_t threads) { return static_cast<int>((threads + kThreads - 1) / kThreads); }

}  // namespace

void window_pool_cuda(const WindowPool& shape, const void* values, double* prefix, void* pooled,
                      Stream stream_pointer) {
  const auto stream = static_cast<cudaStream_t>(stream_pointer);
  const int64_t num_blocks = num_window_blocks(shape);
  with_cuda_element(shape.type, [&]<typename T>(T) {
    const T* from = static_cast<const T*>(values);
    block_sums_kernel<T><<<blocks_for(num_blocks * shape.width), kThreads, 0, stream>>>(
        shape, from, prefix, num_blocks);
    ONEFOLD_CUDA_CHECK_LAUNCH();
    scan_kernel<<<blocks_for(shape.num_rows * shape.width), kThreads, 0, stream>>>(shape, prefix);
    ONEFOLD_CUDA_CHECK_LAUNCH();
    windows_kernel<T><<<blocks_for(shape.num_windows * shape.width), kThreads, 0, stream>>>(
        shape, from, prefix, static_cast<T*>(pooled));
    ONEFOLD_CUDA_CHECK_LAUNCH();
  });
}

void window_pool_backward_cuda(const WindowPool& shape, const void* grad_pooled, void* grad_values,
                               Stream stream) {
  const int64_t num_blocks = num_window_blocks(shape);
  with_cuda_element(shape.type, [&]<typename T>(T) {
    backward_kernel<T>
        <<<blocks_for(num_blocks * shape.width), kThreads, 0, static_cast<cudaStream_t>(stream)>>>(
            shape, static_cast<const T*>(grad_pooled), static_cast<T*>(grad_values), num_blocks);
    ONEFOLD_CUDA_CHECK_LAUNCH();
  });
}

}  // namespace onefold
