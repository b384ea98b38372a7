// SPDX-License-Identifier: Apache-2.0
// Backward on the tensor cores. Scores are recomputed from queries, keys and logsumexp.
//
// A row of at most 16 samples is one block: its warps stream keys and values once, each block of
// keys yields its own gradients at once, and the query gradient adds up in registers. Longer rows
// take two passes, one that owns keys and walks over samples, one that owns samples and walks over
// keys: seven products instead of five, and still no atomics.
#pragma once

#include "onefold/kernels/folded_attention/folded_attention_mma.cuh"

namespace onefold {
namespace mma {

constexpr int kShortRow = 16;       // samples of a row that one block takes
constexpr float kNoSample = 1e30f;  // a logsumexp that makes every weight 0

struct BackwardWorkspace {
  float* delta;      // [num_samples, num_heads]: grad_output . output
  int* longest_row;  // [1]: samples of the longest row
};

// A warp a (sample, head) pair; the first threads also look for rows of more than kShortRow.
template <typename T>
__global__ void delta_kernel(FoldedAttention shape, const T* grad_output, const T* output,
                             BackwardWorkspace workspace) {
  const int64_t thread = int64_t{blockIdx.x} * blockDim.x + threadIdx.x;
  if (thread < shape.num_rows) {
    const int count = shape.sample_offsets[thread + 1] - shape.sample_offsets[thread];
    if (count > kShortRow) atomicMax(workspace.longest_row, count);
  }
  const int64_t pair = thread / 32;
  if (pair >= shape.num_samples * shape.num_heads) return;
  float sum = 0;
  for (int d = threadIdx.x % 32 * 2; d < shape.head_dim; d += 64) {
    const int64_t at = pair * shape.head_dim + d;
    sum += static_cast<float>(grad_output[at]) * static_cast<float>(output[at]) +
           static_cast<float>(grad_output[at + 1]) * static_cast<float>(output[at + 1]);
  }
  for (int lane = 16; lane > 0; lane /= 2) sum += __shfl_xor_sync(0xffffffffu, sum, lane);
  if (threadIdx.x % 32 == 0) workspace.delta[pair] = sum;
}

// logsumexp in powers of two, and delta, of `count` samples from `place` on; kRows of each.
template <int kRows>
__device__ void load_sample_sums(const FoldedAttention& shape, const FoldedAttentionGradient& in,
                                 const BackwardWorkspace& workspace, int head, int place, int count,
                                 float* logsumexp, float* delta) {
  for (int i = threadIdx.x; i < kRows; i += kThreads) {
    float sum = kNoSample, part = 0;
    if (i < count) {
      const int64_t at = int64_t{sample_at(shape, place + i)} * shape.num_heads + head;
      const float value = static_cast<const float*>(in.logsumexp)[at];
      if (value != -INFINITY) sum = value * kLog2E;
      part = workspace.delta[at];
    }
    logsumexp[i] = sum;
    delta[i] = part;
  }
}

// Samples' queries or output gradients to shared memory.
template <typename T, int kDim, int kRows>
__device__ void copy_samples(const FoldedAttention& shape, const void* tensor, int64_t stride,
                             int head, int place, int count, const SharedTile<kDim>& to) {
  copy_rows_async<kDim, kRows, kThreads>(to, threadIdx.x, count, shape.head_dim, [&](int row) {
    return static_cast<const T*>(tensor) +
           (count > 0 ? sample_at(shape, place + row) * stride : 0) + head * shape.head_dim;
  });
}

// An accumulator of 16 x 16 in two n8 tiles as an A fragment of 16 x 16.
template <typename T>
__device__ __forceinline__ void pack_fragment(const float (&c)[2][4], uint32_t (&a)[4], T type) {
  a[0] = pack_pair(c[0][0], c[0][1], type);
  a[1] = pack_pair(c[0][2], c[0][3], type);
  a[2] = pack_pair(c[1][0], c[1][1], type);
  a[3] = pack_pair(c[1][2], c[1][3], type);
}

// ------------------------------------------------------------------------------- short rows

template <int kDim>
constexpr int short_bytes() {
  return forward_bytes<kDim>() + 2 * kShortRow * kDim * 2;
}

// 16 x kDim elements of a warp from shared to global memory, rows below `count`.
template <typename T, int kDim>
__device__ __forceinline__ void write_rows(const SharedTile<kDim>& tile, int count, int dim, T* to,
                                           int64_t stride) {
  constexpr int kChunks = kDim / 8;
#pragma unroll
  for (int index = threadIdx.x % 32; index < 16 * kChunks; index += 32) {
    const int row = index / kChunks, chunk = index % kChunks;
    if (row >= count || chunk * 8 >= dim) continue;
    uint4 value;
    asm volatile("ld.shared.v4.u32 {%0, %1, %2, %3}, [%4];\n"
                 : "=r"(value.x), "=r"(value.y), "=r"(value.z), "=r"(value.w)
                 : "r"(tile.chunk(row, chunk))
                 : "memory");
    *reinterpret_cast<uint4*>(to + row * stride + chunk * 8) = value;
  }
}

// tile = a . b for a [16 keys x 16 samples] and b the samples' rows: one gradient of 16 keys.
template <typename T, int kDim>
__device__ __forceinline__ void write_product(const uint32_t (&a)[4], const SharedTile<kDim>& b,
                                              const SharedTile<kDim>& tile) {
  const int lane = threadIdx.x % 32, group = lane / 4, pair = lane % 4;
#pragma unroll
  for (int j = 0; j < kDim / 8; j += 2) {
    uint32_t fragment[4];
    load_b_transposed(fragment, b, 0, j);
#pragma unroll
    for (int n = 0; n < 2; ++n) {
      float c[4] = {};
      multiply_add(c, a, fragment[2 * n], fragment[2 * n + 1], T{});
#pragma unroll
      for (int r = 0; r < 2; ++r) {
        asm volatile("st.shared.u32 [%0], %1;\n" ::"r"(tile.chunk(group + 8 * r, j + n) + 4 * pair),
                     "r"(pack_pair(c[2 * r], c[2 * r + 1], T{}))
                     : "memory");
      }
    }
  }
}

// The four warps' query gradients through shared memory, added in order and written.
template <typename T, int kDim>
__device__ void merge_grad_query(const FoldedAttention& shape, const float (&sums)[kDim / 8][4],
                                 int head, int place, int count, unsigned char* memory,
                                 T* grad_query) {
  float* all = reinterpret_cast<float*>(memory);
  const int warp = threadIdx.x / 32, lane = threadIdx.x % 32, group = lane / 4, pair = lane % 4;
#pragma unroll
  for (int j = 0; j < kDim / 8; ++j) {
#pragma unroll
    for (int r = 0; r < 2; ++r) {
      float* to = all + (warp * 16 + group + 8 * r) * kDim + j * 8 + pair * 2;
      *reinterpret_cast<float2*>(to) = make_float2(sums[j][2 * r], sums[j][2 * r + 1]);
    }
  }
  __syncthreads();
  for (int item = threadIdx.x; item < 16 * kDim / 8; item += kThreads) {
    const int row = item / (kDim / 8), chunk = item % (kDim / 8);
    if (row >= count || chunk * 8 >= shape.head_dim) continue;
    float sum[8] = {};
    for (int w = 0; w < kWarps; ++w) {
      const float* from = all + (w * 16 + row) * kDim + chunk * 8;
#pragma unroll
      for (int i = 0; i < 8; ++i) sum[i] += from[i];
    }
    uint4 packed;
    packed.x = pack_pair(sum[0], sum[1], T{});
    packed.y = pack_pair(sum[2], sum[3], T{});
    packed.z = pack_pair(sum[4], sum[5], T{});
    packed.w = pack_pair(sum[6], sum[7], T{});
    const int64_t at = int64_t{sample_at(shape, place + row)} * shape.num_heads + head;
    *reinterpret_cast<uint4*>(grad_query + at * shape.head_dim + chunk * 8) = packed;
  }
}

template <typename T, int kDim>
__global__ void __launch_bounds__(kThreads, 2)
    backward_short_kernel(FoldedAttention shape, FoldedAttentionGradient in,
                          BackwardWorkspace workspace) {
  extern __shared__ __align__(128) unsigned char memory[];
  __shared__ float logsumexps[kShortRow], deltas[kShortRow];
  const int head = blockIdx.x % shape.num_heads;
  const int row = blockIdx.x / shape.num_heads;
  const int place = __ldg(shape.sample_offsets + row);
  const int count = __ldg(shape.sample_offsets + row + 1) - place;
  if (count > kShortRow) return;
  const int first_key = __ldg(shape.key_offsets + row);
  const int num_keys = __ldg(shape.key_offsets + row + 1) - first_key;
  const int warp = threadIdx.x / 32, lane = threadIdx.x % 32, group = lane / 4, pair = lane % 4;
  const int dim = shape.head_dim;
  const int64_t out_stride = int64_t{shape.num_heads} * dim;
  const uint32_t base = shared_address(memory);
  const SharedTile<kDim> queries{base + forward_bytes<kDim>()};
  const SharedTile<kDim> grads{queries.base + kShortRow * kDim * 2};
  copy_samples<T, kDim, kShortRow>(shape, in.query, shape.query_stride, head, place, count,
                                   queries);
  copy_samples<T, kDim, kShortRow>(shape, in.grad_output, out_stride, head, place, count, grads);
  commit_copies();
  const KeyStream<T, kDim> stream{
      static_cast<const T*>(in.key) + first_key * shape.key_stride + head * dim,
      static_cast<const T*>(in.value) + first_key * shape.value_stride + head * dim,
      shape.key_stride,
      shape.value_stride,
      dim,
      num_keys,
      warp,
      lane,
      base + warp * ring_bytes<kDim>()};
  constexpr int kAhead = ring_stages<kDim>() - 1;
  for (int block = 0; block < kAhead; ++block) stream.start(block);
  load_sample_sums<kShortRow>(shape, in, workspace, head, place, count, logsumexps, deltas);
  wait_copies<kAhead>();
  __syncthreads();

  uint32_t query_b[kDim / 16][4], grad_b[kDim / 16][4];
#pragma unroll
  for (int k = 0; k < kDim / 16; ++k) {
    load_b(query_b[k], queries, 0, k);
    load_b(grad_b[k], grads, 0, k);
  }
  float logsumexp[2][2], delta[2][2];
#pragma unroll
  for (int n = 0; n < 2; ++n) {
#pragma unroll
    for (int i = 0; i < 2; ++i) {
      logsumexp[n][i] = logsumexps[n * 8 + pair * 2 + i];
      delta[n][i] = deltas[n * 8 + pair * 2 + i];
    }
  }
  const float scale = static_cast<float>(shape.scale);
  float grad_query[kDim / 8][4] = {};
  const int num_blocks = stream.num_blocks();
  for (int block = 0; block < num_blocks; ++block) {
    wait_copies<kAhead - 1>();
    __syncwarp();
    stream.start(block + kAhead);
    const SharedTile<kDim> keys = stream.keys(block), values = stream.values(block);
    float weights[2][4] = {}, slopes[2][4] = {};  // [keys x samples]
#pragma unroll
    for (int k = 0; k < kDim / 16; ++k) {
      uint32_t a[4];
      load_a(a, keys, 0, k);
      multiply_add(weights[0], a, query_b[k][0], query_b[k][1], T{});
      multiply_add(weights[1], a, query_b[k][2], query_b[k][3], T{});
      load_a(a, values, 0, k);
      multiply_add(slopes[0], a, grad_b[k][0], grad_b[k][1], T{});
      multiply_add(slopes[1], a, grad_b[k][2], grad_b[k][3], T{});
    }
    const int first = stream.first_key(block);
#pragma unroll
    for (int n = 0; n < 2; ++n) {
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        const int key = first + group + i / 2 * 8;
        const int sample = n * 8 + pair * 2 + i % 2;
        const bool seen = key < num_keys && (!shape.causal || key <= sample);
        const float weight =
            seen ? power_of_two(fmaf(weights[n][i], scale * kLog2E, -logsumexp[n][i % 2])) : 0.0f;
        weights[n][i] = weight;
        slopes[n][i] = seen ? weight * (slopes[n][i] - delta[n][i % 2]) * scale : 0.0f;
      }
    }
    uint32_t weight_a[4], slope_a[4];
    pack_fragment(weights, weight_a, T{});
    pack_fragment(slopes, slope_a, T{});
    const uint32_t slope_t[4] = {transpose_matrix(slope_a[0]), transpose_matrix(slope_a[2]),
                                 transpose_matrix(slope_a[1]), transpose_matrix(slope_a[3])};
#pragma unroll
    for (int j = 0; j < kDim / 8; j += 2) {
      uint32_t b[4];
      load_b_transposed(b, keys, 0, j);
      multiply_add(grad_query[j], slope_t, b[0], b[1], T{});
      multiply_add(grad_query[j + 1], slope_t, b[2], b[3], T{});
    }
    __syncwarp();  // keys and values are read; their gradients take their place
    write_product<T, kDim>(weight_a, grads, values);
    write_product<T, kDim>(slope_a, queries, keys);
    __syncwarp();
    const int valid = min(kBlockKeys, num_keys - first);
    const int64_t at = int64_t{first_key + first} * out_stride + head * dim;
    write_rows(values, valid, dim, static_cast<T*>(in.grad_value) + at, out_stride);
    write_rows(keys, valid, dim, static_cast<T*>(in.grad_key) + at, out_stride);
  }
  wait_copies<0>();
  __syncthreads();
  merge_grad_query<T, kDim>(shape, grad_query, head, place, count, memory,
                            static_cast<T*>(in.grad_query));
}

// -------------------------------------------------------------------------------- long rows

constexpr int kOwned = kWarps * 16;  // keys or samples that a block owns
constexpr int kWalked = 32;          // samples or keys of a stage

template <int kDim>
constexpr int long_bytes() {
  return 2 * (kOwned + 2 * kWalked) * kDim * 2;
}

// Owns keys, walks over samples.
template <typename T, int kDim>
__global__ void __launch_bounds__(kThreads, 2)
    backward_keys_kernel(FoldedAttention shape, FoldedAttentionGradient in,
                         BackwardWorkspace workspace, int num_items) {
  if (*workspace.longest_row == 0) return;
  extern __shared__ __align__(128) unsigned char memory[];
  __shared__ float logsumexps[2][kWalked], deltas[2][kWalked];
  const int warp = threadIdx.x / 32, lane = threadIdx.x % 32, group = lane / 4, pair = lane % 4;
  const int dim = shape.head_dim;
  const int64_t out_stride = int64_t{shape.num_heads} * dim;
  const float scale = static_cast<float>(shape.scale);
  const uint32_t base = shared_address(memory);
  const SharedTile<kDim> keys{base}, values{base + kOwned * kDim * 2};
  const auto stage = [&](int block, int what) {
    return SharedTile<kDim>{values.base + kOwned * kDim * 2 +
                            (block % 2 * 2 + what) * kWalked * kDim * 2};
  };
  for (int item = blockIdx.x; item < num_items; item += gridDim.x) {
    const int head = item % shape.num_heads;
    const RowTile tile =
        find_row_tile(shape.key_offsets, shape.num_rows, kOwned, item / shape.num_heads);
    if (tile.begin >= tile.end) continue;
    const int first_place = __ldg(shape.sample_offsets + tile.row);
    const int num_places = __ldg(shape.sample_offsets + tile.row + 1) - first_place;
    if (num_places <= kShortRow) continue;
    const int num_keys = tile.end - tile.begin;
    const int first_key = tile.begin - __ldg(shape.key_offsets + tile.row);
    __syncthreads();  // the item before is done with shared memory
    const auto start = [&](int block) {
      const int count = min(kWalked, num_places - block * kWalked);
      if (count > 0) {
        const int place = first_place + block * kWalked;
        copy_samples<T, kDim, kWalked>(shape, in.query, shape.query_stride, head, place, count,
                                       stage(block, 0));
        copy_samples<T, kDim, kWalked>(shape, in.grad_output, out_stride, head, place, count,
                                       stage(block, 1));
        load_sample_sums<kWalked>(shape, in, workspace, head, place, count, logsumexps[block % 2],
                                  deltas[block % 2]);
      }
      commit_copies();
    };
    copy_rows_async<kDim, kOwned, kThreads>(keys, threadIdx.x, num_keys, dim, [&](int row) {
      return static_cast<const T*>(in.key) + (tile.begin + row) * shape.key_stride + head * dim;
    });
    copy_rows_async<kDim, kOwned, kThreads>(values, threadIdx.x, num_keys, dim, [&](int row) {
      return static_cast<const T*>(in.value) + (tile.begin + row) * shape.value_stride + head * dim;
    });
    start(0);
    float grad_key[kDim / 8][4] = {}, grad_value[kDim / 8][4] = {};
    const int num_blocks = (num_places + kWalked - 1) / kWalked;
    for (int block = 0; block < num_blocks; ++block) {
      start(block + 1);
      wait_copies<1>();
      __syncthreads();
      const SharedTile<kDim> queries = stage(block, 0), grads = stage(block, 1);
#pragma unroll 1
      for (int sub = 0; sub < kWalked; sub += 16) {
        float weights[2][4] = {}, slopes[2][4] = {};  // [keys x samples]
#pragma unroll
        for (int k = 0; k < kDim / 16; ++k) {
          uint32_t a[4], b[4];
          load_a(a, keys, warp * 16, k);
          load_b(b, queries, sub, k);
          multiply_add(weights[0], a, b[0], b[1], T{});
          multiply_add(weights[1], a, b[2], b[3], T{});
          load_a(a, values, warp * 16, k);
          load_b(b, grads, sub, k);
          multiply_add(slopes[0], a, b[0], b[1], T{});
          multiply_add(slopes[1], a, b[2], b[3], T{});
        }
#pragma unroll
        for (int n = 0; n < 2; ++n) {
#pragma unroll
          for (int i = 0; i < 4; ++i) {
            const int key = warp * 16 + group + i / 2 * 8;
            const int sample = sub + n * 8 + pair * 2 + i % 2;
            const bool seen =
                key < num_keys && (!shape.causal || first_key + key <= block * kWalked + sample);
            const float logsumexp = logsumexps[block % 2][sample];
            const float delta = deltas[block % 2][sample];
            const float weight =
                seen ? power_of_two(fmaf(weights[n][i], scale * kLog2E, -logsumexp)) : 0.0f;
            weights[n][i] = weight;
            slopes[n][i] = seen ? weight * (slopes[n][i] - delta) * scale : 0.0f;
          }
        }
        uint32_t weight_a[4], slope_a[4];
        pack_fragment(weights, weight_a, T{});
        pack_fragment(slopes, slope_a, T{});
#pragma unroll
        for (int j = 0; j < kDim / 8; j += 2) {
          uint32_t b[4];
          load_b_transposed(b, grads, sub, j);
          multiply_add(grad_value[j], weight_a, b[0], b[1], T{});
          multiply_add(grad_value[j + 1], weight_a, b[2], b[3], T{});
          load_b_transposed(b, queries, sub, j);
          multiply_add(grad_key[j], slope_a, b[0], b[1], T{});
          multiply_add(grad_key[j + 1], slope_a, b[2], b[3], T{});
        }
      }
      __syncthreads();  // before this stage is filled again
    }
    wait_copies<0>();
#pragma unroll
    for (int r = 0; r < 2; ++r) {
      const int key = warp * 16 + group + 8 * r;
      if (key >= num_keys) continue;
      const int64_t at = int64_t{tile.begin + key} * out_stride + head * dim + pair * 2;
#pragma unroll
      for (int j = 0; j < kDim / 8; ++j) {
        if (j * 8 >= dim) break;
        *reinterpret_cast<uint32_t*>(static_cast<T*>(in.grad_key) + at + j * 8) =
            pack_pair(grad_key[j][2 * r], grad_key[j][2 * r + 1], T{});
        *reinterpret_cast<uint32_t*>(static_cast<T*>(in.grad_value) + at + j * 8) =
            pack_pair(grad_value[j][2 * r], grad_value[j][2 * r + 1], T{});
      }
    }
  }
}

// Owns samples, walks over keys.
template <typename T, int kDim>
__global__ void __launch_bounds__(kThreads, 2)
    backward_queries_kernel(FoldedAttention shape, FoldedAttentionGradient in,
                            BackwardWorkspace workspace, int num_items) {
  if (*workspace.longest_row == 0) return;
  extern __shared__ __align__(128) unsigned char memory[];
  const int warp = threadIdx.x / 32, lane = threadIdx.x % 32, group = lane / 4, pair = lane % 4;
  const int dim = shape.head_dim;
  const int64_t out_stride = int64_t{shape.num_heads} * dim;
  const float scale = static_cast<float>(shape.scale);
  const uint32_t base = shared_address(memory);
  const SharedTile<kDim> queries{base}, grads{base + kOwned * kDim * 2};
  const auto stage = [&](int block, int what) {
    return SharedTile<kDim>{grads.base + kOwned * kDim * 2 +
                            (block % 2 * 2 + what) * kWalked * kDim * 2};
  };
  for (int item = blockIdx.x; item < num_items; item += gridDim.x) {
    const int head = item % shape.num_heads;
    const RowTile tile =
        find_row_tile(shape.sample_offsets, shape.num_rows, kOwned, item / shape.num_heads);
    if (tile.begin >= tile.end) continue;
    const int first_place = __ldg(shape.sample_offsets + tile.row);
    if (__ldg(shape.sample_offsets + tile.row + 1) - first_place <= kShortRow) continue;
    const int first_key = __ldg(shape.key_offsets + tile.row);
    int num_keys = __ldg(shape.key_offsets + tile.row + 1) - first_key;
    const int count = tile.end - tile.begin;
    const int place = tile.begin - first_place;
    if (shape.causal) num_keys = min(num_keys, place + count);
    __syncthreads();
    const auto start = [&](int block) {
      const int first = block * kWalked;
      const int rows = min(kWalked, num_keys - first);
      if (rows > 0) {
        copy_rows_async<kDim, kWalked, kThreads>(
            stage(block, 0), threadIdx.x, rows, dim, [&](int row) {
              return static_cast<const T*>(in.key) + (first_key + first + row) * shape.key_stride +
                     head * dim;
            });
        copy_rows_async<kDim, kWalked, kThreads>(
            stage(block, 1), threadIdx.x, rows, dim, [&](int row) {
              return static_cast<const T*>(in.value) +
                     (first_key + first + row) * shape.value_stride + head * dim;
            });
      }
      commit_copies();
    };
    copy_samples<T, kDim, kOwned>(shape, in.query, shape.query_stride, head, tile.begin, count,
                                  queries);
    copy_samples<T, kDim, kOwned>(shape, in.grad_output, out_stride, head, tile.begin, count,
                                  grads);
    start(0);
    float logsumexp[2] = {kNoSample, kNoSample}, delta[2] = {0, 0};
    int limit[2];
    int64_t row_at[2] = {-1, -1};
#pragma unroll
    for (int r = 0; r < 2; ++r) {
      const int i = warp * 16 + group + 8 * r;
      limit[r] = shape.causal ? min(num_keys, place + i + 1) : num_keys;
      if (i >= count) continue;
      row_at[r] = int64_t{sample_at(shape, tile.begin + i)} * shape.num_heads + head;
      const float value = static_cast<const float*>(in.logsumexp)[row_at[r]];
      if (value != -INFINITY) logsumexp[r] = value * kLog2E;
      delta[r] = workspace.delta[row_at[r]];
    }
    float grad_query[kDim / 8][4] = {};
    const int num_blocks = (num_keys + kWalked - 1) / kWalked;
    for (int block = 0; block < num_blocks; ++block) {
      start(block + 1);
      wait_copies<1>();
      __syncthreads();
      const SharedTile<kDim> keys = stage(block, 0), values = stage(block, 1);
#pragma unroll 1
      for (int sub = 0; sub < kWalked; sub += 16) {
        float weights[2][4] = {}, slopes[2][4] = {};  // [samples x keys]
#pragma unroll
        for (int k = 0; k < kDim / 16; ++k) {
          uint32_t a[4], b[4];
          load_a(a, queries, warp * 16, k);
          load_b(b, keys, sub, k);
          multiply_add(weights[0], a, b[0], b[1], T{});
          multiply_add(weights[1], a, b[2], b[3], T{});
          load_a(a, grads, warp * 16, k);
          load_b(b, values, sub, k);
          multiply_add(slopes[0], a, b[0], b[1], T{});
          multiply_add(slopes[1], a, b[2], b[3], T{});
        }
#pragma unroll
        for (int n = 0; n < 2; ++n) {
#pragma unroll
          for (int i = 0; i < 4; ++i) {
            const int key = block * kWalked + sub + n * 8 + pair * 2 + i % 2;
            const bool seen = key < limit[i / 2];
            const float weight =
                seen ? power_of_two(fmaf(weights[n][i], scale * kLog2E, -logsumexp[i / 2])) : 0.0f;
            slopes[n][i] = seen ? weight * (slopes[n][i] - delta[i / 2]) * scale : 0.0f;
          }
        }
        uint32_t slope_a[4];
        pack_fragment(slopes, slope_a, T{});
#pragma unroll
        for (int j = 0; j < kDim / 8; j += 2) {
          uint32_t b[4];
          load_b_transposed(b, keys, sub, j);
          multiply_add(grad_query[j], slope_a, b[0], b[1], T{});
          multiply_add(grad_query[j + 1], slope_a, b[2], b[3], T{});
        }
      }
      __syncthreads();
    }
    wait_copies<0>();
#pragma unroll
    for (int r = 0; r < 2; ++r) {
      if (row_at[r] < 0) continue;
      T* to = static_cast<T*>(in.grad_query) + row_at[r] * dim + pair * 2;
#pragma unroll
      for (int j = 0; j < kDim / 8; ++j) {
        if (j * 8 >= dim) break;
        *reinterpret_cast<uint32_t*>(to + j * 8) =
            pack_pair(grad_query[j][2 * r], grad_query[j][2 * r + 1], T{});
      }
    }
  }
}

}  // namespace mma
}  // namespace onefold
