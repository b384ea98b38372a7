// SPDX-License-Identifier: Apache-2.0
// Forward for rows with few samples: reading keys and values is the work, so each warp streams its
// own sixteenth-key blocks through a ring of asynchronous copies and never waits for another warp.
// A tile of samples is one or two m16 fragments; the warps' partial softmaxes are merged at the
// end.
#pragma once

#include "onefold/kernels/device/row_tiles.cuh"
#include "onefold/kernels/device/tensor_core.cuh"
#include "onefold/kernels/folded_attention/folded_attention.h"

namespace onefold {
namespace mma {

constexpr int kWarps = 4;
constexpr int kThreads = kWarps * 32;
constexpr int kBlockKeys = 16;
constexpr float kLog2E = 1.4426950408889634f;
constexpr float kLn2 = 0.6931471805599453f;
// Stands for "no key yet"; finite, so that differences are never NaN.
constexpr float kLowest = -1e30f;
// A running maximum is raised only when a score passes it by a factor 2^kSlack. Weights then stay
// below 2^kSlack and sums are rescaled about once a row instead of at every block.
constexpr float kSlack = 8.0f;

template <int kDim>
constexpr int ring_stages() {
  return kDim >= 128 ? 3 : 4;
}
template <int kDim>
constexpr int ring_bytes() {  // of one warp: keys and values of each stage
  return ring_stages<kDim>() * 2 * kBlockKeys * kDim * 2;
}
template <int kDim>
constexpr int forward_bytes() {
  return kWarps * ring_bytes<kDim>();
}

__device__ __forceinline__ int sample_at(const FoldedAttention& shape, int place) {
  return shape.samples == nullptr ? place : __ldg(shape.samples + place);
}

// Blocks of keys w, w + 4, w + 8 ... of one head of one row, for warp w, in copy order.
template <typename T, int kDim>
struct KeyStream {
  static constexpr int kStages = ring_stages<kDim>();
  static constexpr int kTileBytes = kBlockKeys * kDim * 2;

  const T* key;  // first key of the row, at the head
  const T* value;
  int64_t key_stride, value_stride;
  int dim, num_keys, warp, lane;
  uint32_t ring;

  __device__ int num_blocks() const {
    return max(0, ((num_keys + kBlockKeys - 1) / kBlockKeys - warp + kWarps - 1) / kWarps);
  }
  __device__ int first_key(int block) const { return (warp + block * kWarps) * kBlockKeys; }
  __device__ SharedTile<kDim> keys(int block) const {
    return {ring + block % kStages * 2 * kTileBytes};
  }
  __device__ SharedTile<kDim> values(int block) const {
    return {ring + (block % kStages * 2 + 1) * kTileBytes};
  }

  // One copy group a block, also past the end, so that groups can be counted.
  __device__ void start(int block) const {
    if (block < num_blocks()) {
      const int first = first_key(block);
      const int count = min(kBlockKeys, num_keys - first);
      copy_rows_async<kDim, kBlockKeys, 32>(
          keys(block), lane, count, dim, [&](int row) { return key + (first + row) * key_stride; });
      copy_rows_async<kDim, kBlockKeys, 32>(values(block), lane, count, dim, [&](int row) {
        return value + (first + row) * value_stride;
      });
    }
    commit_copies();
  }
};

// Fragments of A for 16 rows given by pointers (nullptr: zeros) of the lane's two rows.
template <typename T, int kDim>
__device__ __forceinline__ void load_row_fragments(uint32_t (&a)[kDim / 16][4], const T* upper,
                                                   const T* lower, int dim) {
  const int pair = threadIdx.x % 4;
#pragma unroll
  for (int k = 0; k < kDim / 16; ++k) {
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const int d = k * 16 + half * 8 + pair * 2;
      const bool inside = d < dim;
      a[k][half * 2] =
          inside && upper != nullptr ? *reinterpret_cast<const uint32_t*>(upper + d) : 0u;
      a[k][half * 2 + 1] =
          inside && lower != nullptr ? *reinterpret_cast<const uint32_t*>(lower + d) : 0u;
    }
  }
}

// B fragments of rows [8 columns of B each] x 16 of the inner dimension: `tile` rows are B's
// columns. r[0..1] for rows 0-7, r[2..3] for rows 8-15.
template <int kDim>
__device__ __forceinline__ void load_b(uint32_t (&r)[4], const SharedTile<kDim>& tile, int row,
                                       int k) {
  const int lane = threadIdx.x % 32;
  load_matrices(r, tile.chunk(row + lane / 16 * 8 + lane % 8, 2 * k + lane / 8 % 2));
}
// B fragments where `tile` rows are the inner dimension: r[0..1] for columns 8j .., r[2..3] for the
// next eight.
template <int kDim>
__device__ __forceinline__ void load_b_transposed(uint32_t (&r)[4], const SharedTile<kDim>& tile,
                                                  int row, int j) {
  const int lane = threadIdx.x % 32;
  load_matrices_transposed(r, tile.chunk(row + lane / 8 % 2 * 8 + lane % 8, j + lane / 16));
}
// A fragments of tile rows `row` .. + 15, inner dimension 16 k .. + 15.
template <int kDim>
__device__ __forceinline__ void load_a(uint32_t (&r)[4], const SharedTile<kDim>& tile, int row,
                                       int k) {
  const int lane = threadIdx.x % 32;
  load_matrices(r, tile.chunk(row + lane / 8 % 2 * 8 + lane % 8, 2 * k + lane / 16));
}

// A running softmax over 16 samples: what one warp keeps of them.
template <typename T, int kDim>
struct SoftmaxTile {
  float sums[kDim / 8][4];
  float maximum[2];  // in powers of two
  float total[2];    // this lane's part

  __device__ void clear() {
#pragma unroll
    for (int j = 0; j < kDim / 8; ++j) {
#pragma unroll
      for (int i = 0; i < 4; ++i) sums[j][i] = 0;
    }
    maximum[0] = maximum[1] = kLowest;
    total[0] = total[1] = 0;
  }

  // Turns 16 scores a row into weights, as an A fragment.
  __device__ void weigh(float (&scores)[2][4], float scale, uint32_t (&weights)[4]) {
    float highest[2];
#pragma unroll
    for (int r = 0; r < 2; ++r) {
      const float a = fmaxf(scores[0][2 * r], scores[0][2 * r + 1]);
      const float b = fmaxf(scores[1][2 * r], scores[1][2 * r + 1]);
      highest[r] = row_maximum(fmaxf(a, b)) * scale;
    }
    const bool raise = highest[0] > maximum[0] + kSlack || highest[1] > maximum[1] + kSlack;
    if (__any_sync(0xffffffffu, raise)) {
#pragma unroll
      for (int r = 0; r < 2; ++r) {
        const float raised = fmaxf(maximum[r], highest[r]);
        const float shrink = power_of_two(maximum[r] - raised);
        maximum[r] = raised;
        total[r] *= shrink;
#pragma unroll
        for (int j = 0; j < kDim / 8; ++j) {
          sums[j][2 * r] *= shrink;
          sums[j][2 * r + 1] *= shrink;
        }
      }
    }
#pragma unroll
    for (int n = 0; n < 2; ++n) {
#pragma unroll
      for (int r = 0; r < 2; ++r) {
        const float low = power_of_two(fmaf(scores[n][2 * r], scale, -maximum[r]));
        const float high = power_of_two(fmaf(scores[n][2 * r + 1], scale, -maximum[r]));
        total[r] += low + high;
        weights[2 * n + r] = pack_pair(low, high, T{});
      }
    }
  }
};

// Scores of keys the samples must not see become -infinity. `limit` is a sample's number of
// visible keys, `first` the fragment's first key.
__device__ __forceinline__ void mask_scores(float (&scores)[2][4], int first, int limit_upper,
                                            int limit_lower) {
  const int pair = threadIdx.x % 4;
#pragma unroll
  for (int n = 0; n < 2; ++n) {
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      const int key = first + n * 8 + pair * 2 + i % 2;
      if (key >= (i < 2 ? limit_upper : limit_lower)) scores[n][i] = -INFINITY;
    }
  }
}

constexpr int kTileSamples = 16;

// The warps' sums to shared memory, [kWarps][kTileSamples][kDim] floats; merged and written.
template <typename T, int kDim>
__device__ void merge_warps(const FoldedAttention& shape, const RowTile& tile, int head,
                            const SoftmaxTile<T, kDim>& state, unsigned char* memory, T* output,
                            float* logsumexp) {
  __shared__ float maxima[kWarps][kTileSamples], totals[kWarps][kTileSamples];
  float* sums = reinterpret_cast<float*>(memory);
  const int warp = threadIdx.x / 32, lane = threadIdx.x % 32, group = lane / 4, pair = lane % 4;
#pragma unroll
  for (int r = 0; r < 2; ++r) {
    const int row = r * 8 + group;
    const float total = row_sum(state.total[r]);
    if (pair == 0) {
      maxima[warp][row] = state.maximum[r];
      totals[warp][row] = total;
    }
    float* to = sums + (warp * kTileSamples + row) * kDim;
#pragma unroll
    for (int j = 0; j < kDim / 8; ++j) {
      *reinterpret_cast<float2*>(to + j * 8 + pair * 2) =
          make_float2(state.sums[j][2 * r], state.sums[j][2 * r + 1]);
    }
  }
  __syncthreads();
  constexpr int kChunks = kDim / 8;
  for (int item = threadIdx.x; item < kTileSamples * kChunks; item += kThreads) {
    const int row = item / kChunks, chunk = item % kChunks;
    if (tile.begin + row >= tile.end || chunk * 8 >= shape.head_dim) continue;
    float highest = maxima[0][row], total = 0, out[8] = {};
    for (int w = 1; w < kWarps; ++w) highest = fmaxf(highest, maxima[w][row]);
    for (int w = 0; w < kWarps; ++w) {
      const float factor = power_of_two(maxima[w][row] - highest);
      total += totals[w][row] * factor;
      const float* from = sums + (w * kTileSamples + row) * kDim + chunk * 8;
#pragma unroll
      for (int i = 0; i < 8; ++i) out[i] += from[i] * factor;
    }
    const float scale = total == 0 ? 0 : 1 / total;
    uint4 packed;
    packed.x = pack_pair(out[0] * scale, out[1] * scale, T{});
    packed.y = pack_pair(out[2] * scale, out[3] * scale, T{});
    packed.z = pack_pair(out[4] * scale, out[5] * scale, T{});
    packed.w = pack_pair(out[6] * scale, out[7] * scale, T{});
    const int64_t at = int64_t{sample_at(shape, tile.begin + row)} * shape.num_heads + head;
    *reinterpret_cast<uint4*>(output + at * shape.head_dim + chunk * 8) = packed;
    if (chunk == 0) logsumexp[at] = (highest + log2f(total)) * kLn2;
  }
}

template <typename T, int kDim>
__global__ void __launch_bounds__(kThreads, kDim >= 128 ? 2 : 3)
    forward_kernel(FoldedAttention shape, const T* query, const T* key, const T* value, T* output,
                   float* logsumexp) {
  extern __shared__ __align__(128) unsigned char memory[];
  const int head = blockIdx.x % shape.num_heads;
  const RowTile tile = find_row_tile(shape.sample_offsets, shape.num_rows, kTileSamples,
                                     blockIdx.x / shape.num_heads);
  if (tile.begin >= tile.end) return;
  const int warp = threadIdx.x / 32, lane = threadIdx.x % 32, group = lane / 4;
  const int first_place = __ldg(shape.sample_offsets + tile.row);
  const int first_key = __ldg(shape.key_offsets + tile.row);
  int num_keys = __ldg(shape.key_offsets + tile.row + 1) - first_key;
  if (shape.causal) num_keys = min(num_keys, tile.end - first_place);
  const KeyStream<T, kDim> stream{key + first_key * shape.key_stride + head * shape.head_dim,
                                  value + first_key * shape.value_stride + head * shape.head_dim,
                                  shape.key_stride,
                                  shape.value_stride,
                                  shape.head_dim,
                                  num_keys,
                                  warp,
                                  lane,
                                  shared_address(memory) + warp * ring_bytes<kDim>()};
  constexpr int kAhead = ring_stages<kDim>() - 1;
  for (int block = 0; block < kAhead; ++block) stream.start(block);

  const T* rows[2];
  int limit[2];
#pragma unroll
  for (int r = 0; r < 2; ++r) {
    const int place = tile.begin + r * 8 + group;
    rows[r] = place >= tile.end
                  ? nullptr
                  : query + sample_at(shape, place) * shape.query_stride + head * shape.head_dim;
    limit[r] = shape.causal ? min(num_keys, place - first_place + 1) : num_keys;
  }
  uint32_t queries[kDim / 16][4];
  load_row_fragments<T, kDim>(queries, rows[0], rows[1], shape.head_dim);
  const float scale = static_cast<float>(shape.scale) * kLog2E;
  SoftmaxTile<T, kDim> state;
  state.clear();

  const int num_blocks = stream.num_blocks();
  for (int block = 0; block < num_blocks; ++block) {
    wait_copies<kAhead - 1>();
    __syncwarp();  // block is here, and all lanes are done with the stage that is filled next
    stream.start(block + kAhead);
    const SharedTile<kDim> keys = stream.keys(block), values = stream.values(block);
    float scores[2][4] = {};
#pragma unroll
    for (int k = 0; k < kDim / 16; ++k) {
      uint32_t b[4];
      load_b(b, keys, 0, k);
      multiply_add(scores[0], queries[k], b[0], b[1], T{});
      multiply_add(scores[1], queries[k], b[2], b[3], T{});
    }
    const int first = stream.first_key(block);
    if (shape.causal || first + kBlockKeys > num_keys) {
      mask_scores(scores, first, limit[0], limit[1]);
    }
    uint32_t weights[4];
    state.weigh(scores, scale, weights);
#pragma unroll
    for (int j = 0; j < kDim / 8; j += 2) {
      uint32_t b[4];
      load_b_transposed(b, values, 0, j);
      multiply_add(state.sums[j], weights, b[0], b[1], T{});
      multiply_add(state.sums[j + 1], weights, b[2], b[3], T{});
    }
  }
  wait_copies<0>();
  __syncthreads();  // the ring becomes the merge buffer
  merge_warps<T, kDim>(shape, tile, head, state, memory, output, logsumexp);
}

}  // namespace mma
}  // namespace onefold
