// SPDX-License-Identifier: Apache-2.0
// Forward: a thread copies one column of kTile samples. Samples come in the order of their unique
// row, so neighbours mostly share it: the column is loaded once and stored several times, and rows
// that repeat across tiles meet in the cache. Work per thread does not depend on how the samples
// fall on the rows.
//
// Backward: a thread sums one column of one unique row. A row with very many samples would leave
// one thread with all of them, so long rows are cut at fixed multiples of kPartial members and
// their whole pieces summed first, into the workspace; the order of additions still depends only on
// the index.
#include <cstdint>

#include "onefold/kernels/device/cuda_check.cuh"
#include "onefold/kernels/device/pack.cuh"
#include "onefold/kernels/expand/expand.h"

namespace onefold {
namespace {

// ------------------------------------------------------------------------------------ kernels

constexpr int kBlock = 256;
constexpr int kTile = 8;
constexpr int kPartial = 64;         // members in a piece of a long row
constexpr int kLong = 2 * kPartial;  // a row with more members is cut

template <typename Vec, typename Int>
__global__ void __launch_bounds__(kBlock)
    expand_kernel(const Vec* __restrict__ unique, Vec* __restrict__ out,
                  const int32_t* __restrict__ inverse_indices, const int32_t* __restrict__ members,
                  int num_samples, int row_vecs) {
  const Int thread = static_cast<Int>(blockIdx.x) * kBlock + threadIdx.x;
  const Int tile = thread / row_vecs;
  const int column = static_cast<int>(thread - tile * row_vecs);
  if (tile * kTile >= num_samples) return;
  const int first = static_cast<int>(tile) * kTile;
  int sample[kTile], row[kTile];
  Vec value[kTile];
#pragma unroll
  for (int i = 0; i < kTile; ++i) sample[i] = first + i < num_samples ? members[first + i] : -1;
#pragma unroll
  for (int i = 0; i < kTile; ++i) row[i] = sample[i] >= 0 ? inverse_indices[sample[i]] : -1;
#pragma unroll
  for (int i = 0; i < kTile; ++i) {
    if (row[i] >= 0 && (i == 0 || row[i] != row[i > 0 ? i - 1 : 0])) {
      value[i] = unique[static_cast<int64_t>(row[i]) * row_vecs + column];
    }
  }
#pragma unroll
  for (int i = 0; i < kTile; ++i) {
    if (i > 0 && row[i] == row[i > 0 ? i - 1 : 0]) value[i] = value[i > 0 ? i - 1 : 0];
    if (sample[i] >= 0) out[static_cast<int64_t>(sample[i]) * row_vecs + column] = value[i];
  }
}

// Adds the members [begin, end) of one row to sums, four loads in flight.
template <typename T, int N>
__device__ __forceinline__ void sum_members(typename SumOf<T>::type (&sums)[N],
                                            const Pack<T, N>* __restrict__ column,
                                            const int32_t* __restrict__ members, int begin, int end,
                                            int64_t row_vecs) {
  int m = begin;
  for (; m + 4 <= end; m += 4) {
    Pack<T, N> value[4];
#pragma unroll
    for (int i = 0; i < 4; ++i) value[i] = column[members[m + i] * row_vecs];
#pragma unroll
    for (int i = 0; i < 4; ++i) add(sums, value[i]);
  }
  for (; m < end; ++m) add(sums, column[members[m] * row_vecs]);
}

// Sums of the pieces [p * kPartial, (p + 1) * kPartial) that lie inside one long row.
template <typename T, int N>
__global__ void __launch_bounds__(kBlock)
    partial_kernel(const Pack<T, N>* __restrict__ grad_out,
                   const int32_t* __restrict__ inverse_indices, const int32_t* __restrict__ offsets,
                   const int32_t* __restrict__ members,
                   typename SumOf<T>::type* __restrict__ partials, int64_t num_pieces,
                   int row_vecs) {
  const int64_t thread = static_cast<int64_t>(blockIdx.x) * kBlock + threadIdx.x;
  const int64_t piece = thread / row_vecs;
  const int column = static_cast<int>(thread - piece * row_vecs);
  if (piece >= num_pieces) return;
  const int begin = static_cast<int>(piece) * kPartial;
  const int row = inverse_indices[members[begin]];
  if (offsets[row + 1] < begin + kPartial || offsets[row + 1] - offsets[row] <= kLong) return;
  typename SumOf<T>::type sums[N] = {};
  sum_members<T, N>(sums, grad_out + column, members, begin, begin + kPartial, row_vecs);
#pragma unroll
  for (int i = 0; i < N; ++i) partials[(piece * row_vecs + column) * N + i] = sums[i];
}

template <typename T, int N>
__global__ void __launch_bounds__(kBlock)
    reduce_kernel(const Pack<T, N>* __restrict__ grad_out, Pack<T, N>* __restrict__ grad_unique,
                  const int32_t* __restrict__ offsets, const int32_t* __restrict__ members,
                  const typename SumOf<T>::type* __restrict__ partials, int64_t num_unique,
                  int row_vecs) {
  const int64_t thread = static_cast<int64_t>(blockIdx.x) * kBlock + threadIdx.x;
  const int64_t row = thread / row_vecs;
  const int column = static_cast<int>(thread - row * row_vecs);
  if (row >= num_unique) return;
  const int begin = offsets[row], end = offsets[row + 1];
  typename SumOf<T>::type sums[N] = {};
  if (end - begin <= kLong) {
    sum_members<T, N>(sums, grad_out + column, members, begin, end, row_vecs);
  } else {
    const int first_piece = (begin + kPartial - 1) / kPartial, last_piece = end / kPartial;
    sum_members<T, N>(sums, grad_out + column, members, begin, first_piece * kPartial, row_vecs);
#pragma unroll 4
    for (int64_t piece = first_piece; piece < last_piece; ++piece) {
#pragma unroll
      for (int i = 0; i < N; ++i) sums[i] += partials[(piece * row_vecs + column) * N + i];
    }
    sum_members<T, N>(sums, grad_out + column, members, last_piece * kPartial, end, row_vecs);
  }
  grad_unique[row * row_vecs + column] = pack_sums<T, N>(sums);
}

// ---------------------------------------------------------------------------------- launchers

unsigned num_blocks(int64_t threads) {
  return static_cast<unsigned>((threads + kBlock - 1) / kBlock);
}

template <typename Vec>
void launch_expand(const ExpandParams& p, cudaStream_t stream) {
  const int row_vecs = static_cast<int>(p.row_bytes / sizeof(Vec));
  const int64_t threads = (p.num_samples + kTile - 1) / kTile * row_vecs;
  const auto kernel = threads < (int64_t{1} << 31) - kBlock ? expand_kernel<Vec, unsigned>
                                                            : expand_kernel<Vec, int64_t>;
  kernel<<<num_blocks(threads), kBlock, 0, stream>>>(
      static_cast<const Vec*>(p.unique), static_cast<Vec*>(p.out), p.inverse_indices, p.members,
      static_cast<int>(p.num_samples), row_vecs);
  ONEFOLD_CUDA_CHECK_LAUNCH();
}

template <typename T, int N>
void launch_backward(const ExpandBackwardParams& p, cudaStream_t stream) {
  using Vec = Pack<T, N>;
  using Sum = typename SumOf<T>::type;
  const int row_vecs = static_cast<int>(p.width / N);
  const int64_t num_pieces = p.num_samples / kPartial;
  if (p.num_samples > kLong) {
    partial_kernel<T, N><<<num_blocks(num_pieces * row_vecs), kBlock, 0, stream>>>(
        static_cast<const Vec*>(p.grad_out), p.inverse_indices, p.offsets, p.members,
        static_cast<Sum*>(p.workspace), num_pieces, row_vecs);
    ONEFOLD_CUDA_CHECK_LAUNCH();
  }
  reduce_kernel<T, N><<<num_blocks(p.num_unique * row_vecs), kBlock, 0, stream>>>(
      static_cast<const Vec*>(p.grad_out), static_cast<Vec*>(p.grad_unique), p.offsets, p.members,
      static_cast<const Sum*>(p.workspace), p.num_unique, row_vecs);
  ONEFOLD_CUDA_CHECK_LAUNCH();
}

}  // namespace

void expand_cuda(const ExpandParams& params, Stream stream_handle) {
  const cudaStream_t stream = static_cast<cudaStream_t>(stream_handle);
  const auto fits = [&](int64_t bytes) {
    return aligned(bytes, params.row_bytes, params.unique, params.out);
  };
  if (fits(16)) return launch_expand<uint4>(params, stream);
  if (fits(8)) return launch_expand<uint2>(params, stream);
  if (fits(4)) return launch_expand<uint32_t>(params, stream);
  if (fits(2)) return launch_expand<uint16_t>(params, stream);
  launch_expand<uint8_t>(params, stream);
}

size_t expand_backward_cuda_workspace_bytes(int64_t num_samples, int64_t width, ScalarType type) {
  if (num_samples <= kLong) return 0;
  return num_samples / kPartial * width * (type == ScalarType::kFloat64 ? 8 : 4);
}

void expand_backward_cuda(const ExpandBackwardParams& params, Stream stream_handle) {
  const cudaStream_t stream = static_cast<cudaStream_t>(stream_handle);
  with_cuda_element(params.type, [&]<typename T>(T) {
    constexpr int kWide = 16 / sizeof(T);
    if (aligned(16, params.width * sizeof(T), params.grad_out, params.grad_unique)) {
      launch_backward<T, kWide>(params, stream);
    } else {
      launch_backward<T, 1>(params, stream);
    }
  });
}

}  // namespace onefold
