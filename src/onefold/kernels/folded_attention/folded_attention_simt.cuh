// SPDX-License-Identifier: Apache-2.0
// Folded attention for every type and head width up to 256: 16 samples against 16 keys at a time, a
// thread a pair. float32 and float64 come here; 16-bit types only with head widths that the tensor
// core bodies do not take.
#pragma once

#include "onefold/kernels/device/pack.cuh"
#include "onefold/kernels/device/row_tiles.cuh"
#include "onefold/kernels/folded_attention/folded_attention.h"

namespace onefold {
namespace simt {

constexpr int kTile = 16;
constexpr int kThreads = kTile * kTile;
constexpr int kMaxHeadDim = 256;
constexpr int kColumns = kMaxHeadDim / kTile;  // columns of a row that one thread sums

__device__ __forceinline__ float exponential(float x) { return __expf(x); }
__device__ __forceinline__ double exponential(double x) { return exp(x); }
__device__ __forceinline__ float logarithm(float x) { return logf(x); }
__device__ __forceinline__ double logarithm(double x) { return log(x); }

// Rows of a head in shared memory, one element of padding against bank conflicts.
template <typename S>
struct Rows {
  S* data;
  int dim;
  __device__ S& at(int row, int column) const { return data[row * (dim + 1) + column]; }
};

// Loads up to kTile rows of one head; `row_of(i)` is the tensor's row of the tile's i-th. Rows past
// `count` become zero.
template <typename T, typename S, typename RowOf>
__device__ void load(const T* tensor, int64_t stride, int head, int count, RowOf row_of,
                     const Rows<S>& to) {
  for (int i = threadIdx.x / kTile; i < kTile; i += kThreads / kTile) {
    const T* from = i < count ? tensor + int64_t{row_of(i)} * stride + head * to.dim : nullptr;
    for (int d = threadIdx.x % kTile; d < to.dim; d += kTile) {
      to.at(i, d) = i < count ? to_sum(from[d]) : S(0);
    }
  }
}

template <typename S>
__device__ S dot(const Rows<S>& a, int i, const Rows<S>& b, int j) {
  S sum = 0;
#pragma unroll 4
  for (int d = 0; d < a.dim; ++d) sum += a.at(i, d) * b.at(j, d);
  return sum;
}

__device__ __forceinline__ int sample_at(const FoldedAttention& shape, int place) {
  return shape.samples == nullptr ? place : shape.samples[place];
}

// Whether the sample at `place` of the row sees key `key`, both counted from the row's first.
__device__ __forceinline__ bool sees(const FoldedAttention& shape, int place, int key) {
  return !shape.causal || key <= place;
}

template <typename T>
__global__ void __launch_bounds__(kThreads)
    forward_kernel(FoldedAttention shape, const T* query, const T* key, const T* value, T* output,
                   typename SumOf<T>::type* logsumexp) {
  using S = typename SumOf<T>::type;
  extern __shared__ __align__(16) unsigned char memory[];
  const int dim = shape.head_dim;
  const Rows<S> queries{reinterpret_cast<S*>(memory), dim};
  const Rows<S> keys{queries.data + kTile * (dim + 1), dim};
  const Rows<S> values{keys.data + kTile * (dim + 1), dim};
  __shared__ S weights[kTile][kTile + 1];
  const RowTile tile = find_row_tile(shape.sample_offsets, shape.num_rows, kTile, blockIdx.x);
  if (tile.begin >= tile.end) return;
  const int head = blockIdx.y;
  const int i = threadIdx.x / kTile, j = threadIdx.x % kTile;
  const int first_key = shape.key_offsets[tile.row];
  const int num_keys = shape.key_offsets[tile.row + 1] - first_key;
  const int place = tile.begin + i - shape.sample_offsets[tile.row];
  load(
      query, shape.query_stride, head, tile.end - tile.begin,
      [&](int row) { return sample_at(shape, tile.begin + row); }, queries);
  S maximum = -INFINITY, total = 0, sums[kColumns] = {};
  for (int k0 = 0; k0 < num_keys; k0 += kTile) {
    const int count = min(kTile, num_keys - k0);
    const auto row_of = [&](int row) { return first_key + k0 + row; };
    __syncthreads();
    load(key, shape.key_stride, head, count, row_of, keys);
    load(value, shape.value_stride, head, count, row_of, values);
    __syncthreads();
    S score = dot(queries, i, keys, j) * S(shape.scale);
    if (j >= count || !sees(shape, place, k0 + j)) score = -INFINITY;
    S highest = score;
    for (int lane = kTile / 2; lane > 0; lane /= 2) {
      highest = max(highest, __shfl_xor_sync(0xffffffffu, highest, lane, kTile));
    }
    highest = max(highest, maximum);
    const S base = highest == -INFINITY ? S(0) : highest;
    const S weight = exponential(score - base);
    const S shrink = exponential(maximum - base);
    maximum = highest;
    weights[i][j] = weight;
    __syncwarp();  // a row of weights is read by the half-warp that wrote it
    total *= shrink;
    for (int k = 0; k < kTile; ++k) total += weights[i][k];
#pragma unroll
    for (int c = 0; c < kColumns; ++c) {
      const int d = j + c * kTile;
      if (d >= dim) break;
      S sum = sums[c] * shrink;
      for (int k = 0; k < kTile; ++k) sum += weights[i][k] * values.at(k, d);
      sums[c] = sum;
    }
    __syncwarp();
  }
  if (tile.begin + i >= tile.end) return;
  const int64_t at = int64_t{sample_at(shape, tile.begin + i)} * shape.num_heads + head;
#pragma unroll
  for (int c = 0; c < kColumns; ++c) {
    const int d = j + c * kTile;
    if (d < dim) output[at * dim + d] = from_sum<T>(total == 0 ? S(0) : sums[c] / total);
  }
  if (j == 0) logsumexp[at] = maximum + logarithm(total);
}

// delta[sample, head] = grad_output . output, a warp a pair.
template <typename T>
__global__ void delta_kernel(const T* grad_output, const T* output, int64_t num_pairs, int dim,
                             typename SumOf<T>::type* delta) {
  const int64_t pair = (int64_t{blockIdx.x} * blockDim.x + threadIdx.x) / 32;
  if (pair >= num_pairs) return;
  typename SumOf<T>::type sum = 0;
  for (int d = threadIdx.x % 32; d < dim; d += 32) {
    sum += to_sum(grad_output[pair * dim + d]) * to_sum(output[pair * dim + d]);
  }
  for (int lane = 16; lane > 0; lane /= 2) sum += __shfl_xor_sync(0xffffffffu, sum, lane);
  if (threadIdx.x % 32 == 0) delta[pair] = sum;
}

// Shared memory of a backward kernel, and what both compute: weights and score gradients of a tile.
template <typename T>
struct BackwardTile {
  using S = typename SumOf<T>::type;
  Rows<S> queries, grads, keys, values;
  S (*weights)[kTile + 1];
  S (*grad_scores)[kTile + 1];

  __device__ BackwardTile(unsigned char* memory, int dim) {
    const int size = kTile * (dim + 1);
    S* data = reinterpret_cast<S*>(memory);
    queries = {data, dim};
    grads = {data + size, dim};
    keys = {data + 2 * size, dim};
    values = {data + 3 * size, dim};
    weights = reinterpret_cast<S(*)[kTile + 1]>(data + 4 * size);
    grad_scores = weights + kTile;
  }

  __device__ void load_samples(const FoldedAttention& shape, const FoldedAttentionGradient& in,
                               int head, int begin, int count) {
    const auto row_of = [&](int row) { return sample_at(shape, begin + row); };
    load(static_cast<const T*>(in.query), shape.query_stride, head, count, row_of, queries);
    load(static_cast<const T*>(in.grad_output), int64_t{shape.num_heads} * shape.head_dim, head,
         count, row_of, grads);
  }

  __device__ void load_keys(const FoldedAttention& shape, const FoldedAttentionGradient& in,
                            int head, int begin, int count) {
    const auto row_of = [&](int row) { return begin + row; };
    load(static_cast<const T*>(in.key), shape.key_stride, head, count, row_of, keys);
    load(static_cast<const T*>(in.value), shape.value_stride, head, count, row_of, values);
  }

  // Of sample i (at `place` of the row, entry `at` of logsumexp) against key j. Not `valid`: 0.
  __device__ void score(const FoldedAttention& shape, const FoldedAttentionGradient& in, int i,
                        int j, int64_t at, bool valid) {
    S weight = 0, grad = 0;
    if (valid) {
      const S scale = S(shape.scale);
      weight =
          exponential(dot(queries, i, keys, j) * scale - static_cast<const S*>(in.logsumexp)[at]);
      grad = weight * (dot(grads, i, values, j) - static_cast<const S*>(in.workspace)[at]) * scale;
    }
    weights[i][j] = weight;
    grad_scores[i][j] = grad;
  }
};

inline size_t backward_bytes(int dim, size_t element) {
  return (4 * kTile * (dim + 1) + 2 * kTile * (kTile + 1)) * element;
}

template <typename T>
__global__ void __launch_bounds__(kThreads)
    backward_keys_kernel(FoldedAttention shape, FoldedAttentionGradient in) {
  using S = typename SumOf<T>::type;
  extern __shared__ __align__(16) unsigned char memory[];
  const int dim = shape.head_dim;
  BackwardTile<T> work(memory, dim);
  const RowTile tile = find_row_tile(shape.key_offsets, shape.num_rows, kTile, blockIdx.x);
  if (tile.begin >= tile.end) return;
  const int head = blockIdx.y;
  const int i = threadIdx.x / kTile, j = threadIdx.x % kTile;
  const int num_keys = tile.end - tile.begin;
  const int first_key = tile.begin - shape.key_offsets[tile.row];
  const int first_place = shape.sample_offsets[tile.row];
  const int num_places = shape.sample_offsets[tile.row + 1] - first_place;
  work.load_keys(shape, in, head, tile.begin, num_keys);
  S grad_key[kColumns] = {}, grad_value[kColumns] = {};
  for (int p0 = 0; p0 < num_places; p0 += kTile) {
    const int count = min(kTile, num_places - p0);
    __syncthreads();
    work.load_samples(shape, in, head, first_place + p0, count);
    __syncthreads();
    const bool valid = i < count && j < num_keys && sees(shape, p0 + i, first_key + j);
    const int sample = i < count ? sample_at(shape, first_place + p0 + i) : 0;
    work.score(shape, in, i, j, int64_t{sample} * shape.num_heads + head, valid);
    __syncthreads();
    // Thread (i, j) now stands for key i, columns j, j + 16, ...
#pragma unroll
    for (int c = 0; c < kColumns; ++c) {
      const int d = j + c * kTile;
      if (d >= dim) break;
      for (int s = 0; s < kTile; ++s) {
        grad_value[c] += work.weights[s][i] * work.grads.at(s, d);
        grad_key[c] += work.grad_scores[s][i] * work.queries.at(s, d);
      }
    }
  }
  if (i >= num_keys) return;
  const int64_t at = (int64_t{tile.begin + i} * shape.num_heads + head) * dim;
#pragma unroll
  for (int c = 0; c < kColumns; ++c) {
    const int d = j + c * kTile;
    if (d >= dim) break;
    static_cast<T*>(in.grad_key)[at + d] = from_sum<T>(grad_key[c]);
    static_cast<T*>(in.grad_value)[at + d] = from_sum<T>(grad_value[c]);
  }
}

template <typename T>
__global__ void __launch_bounds__(kThreads)
    backward_queries_kernel(FoldedAttention shape, FoldedAttentionGradient in) {
  using S = typename SumOf<T>::type;
  extern __shared__ __align__(16) unsigned char memory[];
  const int dim = shape.head_dim;
  BackwardTile<T> work(memory, dim);
  const RowTile tile = find_row_tile(shape.sample_offsets, shape.num_rows, kTile, blockIdx.x);
  if (tile.begin >= tile.end) return;
  const int head = blockIdx.y;
  const int i = threadIdx.x / kTile, j = threadIdx.x % kTile;
  const int count = tile.end - tile.begin;
  const int first_key = shape.key_offsets[tile.row];
  const int num_keys = shape.key_offsets[tile.row + 1] - first_key;
  const int place = tile.begin + i - shape.sample_offsets[tile.row];
  const int sample = i < count ? sample_at(shape, tile.begin + i) : 0;
  const int64_t at = int64_t{sample} * shape.num_heads + head;
  work.load_samples(shape, in, head, tile.begin, count);
  S grad_query[kColumns] = {};
  for (int k0 = 0; k0 < num_keys; k0 += kTile) {
    const int keys = min(kTile, num_keys - k0);
    __syncthreads();
    work.load_keys(shape, in, head, first_key + k0, keys);
    __syncthreads();
    work.score(shape, in, i, j, at, i < count && j < keys && sees(shape, place, k0 + j));
    __syncwarp();
#pragma unroll
    for (int c = 0; c < kColumns; ++c) {
      const int d = j + c * kTile;
      if (d >= dim) break;
      for (int k = 0; k < kTile; ++k) grad_query[c] += work.grad_scores[i][k] * work.keys.at(k, d);
    }
  }
  if (i >= count) return;
#pragma unroll
  for (int c = 0; c < kColumns; ++c) {
    const int d = j + c * kTile;
    if (d < dim) static_cast<T*>(in.grad_query)[at * dim + d] = from_sum<T>(grad_query[c]);
  }
}

}  // namespace simt
}  // namespace onefold
