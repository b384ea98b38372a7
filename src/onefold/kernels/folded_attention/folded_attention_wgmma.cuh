// SPDX-License-Identifier: Apache-2.0
// Forward for rows with many samples, where the matrix products are the work. One block a
// multiprocessor walks over all tiles: a producer warpgroup copies queries, keys and values ahead
// of the consumers, each of which holds 64 samples of the tile in registers and multiplies with
// wgmma. Nothing synchronises the consumers with each other, so while one takes exponentials
// another keeps the tensor cores busy, and the start and end of a tile hide behind its neighbours.
#pragma once

#include "onefold/kernels/device/row_tiles.cuh"
#include "onefold/kernels/device/tensor_core.cuh"
#include "onefold/kernels/device/warpgroup.cuh"
#include "onefold/kernels/folded_attention/folded_attention.h"
#include "onefold/kernels/folded_attention/folded_attention_mma.cuh"

namespace onefold {
namespace wgmma {

using mma::kLn2;
using mma::kLog2E;
using mma::kLowest;
using mma::kSlack;
using mma::sample_at;

constexpr int kWarpgroup = 128;

// What the consumers must know of a tile.
struct Tile {
  int count;        // samples; 0: there are no more tiles
  int first_place;  // of the tile, counted from the row's first sample
  int num_keys;     // that the tile's samples see
  int head;
};

template <int kDim_, int kGroups_, int kKeys_, int kStages_>
struct Config {
  static constexpr int kDim = kDim_;        // head width in shared memory: 64 or 128
  static constexpr int kGroups = kGroups_;  // consumer warpgroups
  static constexpr int kKeys = kKeys_;      // of a stage: 64 or 128
  static constexpr int kStages = kStages_;
  static constexpr int kRows = kGroups * 64;  // samples of a tile
  static constexpr int kThreads = (kGroups + 1) * kWarpgroup;
  // The register file, shared out: little for the producer, the rest for the consumers.
  static constexpr int kProducerRegisters = kGroups == 2 ? 24 : 32;
  static constexpr int kConsumerRegisters = kGroups == 2 ? 240 : 160;
};

template <typename C>
struct alignas(1024) Memory {
  // Keys or values: 128-byte rows of 64 columns; a second block of them for columns 64 and on.
  unsigned char stages[C::kStages][C::kKeys * C::kDim * 2];
  unsigned char queries[2][C::kRows * C::kDim * 2];
  int samples[2][C::kRows];
  Tile tiles[2];
  uint64_t full[C::kStages], empty[C::kStages], tile_full[2], tile_empty[2];
};

// Which of a ring of kSize an ever-growing count stands for, and the parity of its phase.
template <int kSize>
struct RingPosition {
  int slot = 0;
  int parity = 0;
  __device__ void next() {
    if (++slot == kSize) {
      slot = 0;
      parity ^= 1;
    }
  }
};

// ----------------------------------------------------------------------------------- producer

template <typename T, typename C>
struct Producer {
  const FoldedAttention& shape;
  Memory<C>& memory;
  int thread;
  RingPosition<C::kStages> stage;
  RingPosition<2> tile_slot;
  uint32_t waiting[2] = {0, 0};  // barriers to arrive at once their copies are here

  __device__ Producer(const FoldedAttention& s, Memory<C>& m)
      : shape(s), memory(m), thread(threadIdx.x) {}

  // Ends a copy group; its barrier is told two groups later, so that copies overlap.
  __device__ void finish_group(uint32_t barrier) {
    commit_copies();
    if (waiting[0] != 0) {
      wait_copies<2>();
      arrive(waiting[0]);
    }
    waiting[0] = waiting[1];
    waiting[1] = barrier;
  }
  __device__ void flush() {
    wait_copies<0>();
    for (int i = 0; i < 2; ++i) {
      if (waiting[i] != 0) arrive(waiting[i]);
      waiting[i] = 0;
    }
  }
  __device__ void arrive(uint32_t barrier) {
    fence_for_tensor_cores();
    __syncwarp();
    if (thread % 32 == 0) barrier_arrive(barrier);
  }

  // A stage of keys or values: `count` rows from `rows` on, zeros after them. A thread copies one
  // chunk of every kStep-th row, at a fixed swizzle.
  __device__ void copy_stage(const T* rows, int64_t stride, int count) {
    barrier_wait(shared_address(&memory.empty[stage.slot]), stage.parity ^ 1);
    constexpr int kChunks = C::kDim / 8;
    constexpr int kStep = kWarpgroup / kChunks;
    static_assert(kStep % 8 == 0);
    const int first = thread / kChunks, chunk = thread % kChunks;
    uint32_t to = shared_address(memory.stages[stage.slot]) + chunk / 8 * (C::kKeys * 128) +
                  first * 128 + ((chunk % 8 ^ first % 8) << 4);
    const T* from = rows + first * stride + chunk * 8;
    if (chunk * 8 >= shape.head_dim) count = 0;
#pragma unroll
    for (int row = 0; row < C::kKeys; row += kStep) {
      const bool valid = first + row < count;
      copy16_async(to, valid ? from : rows, valid);
      to += kStep * 128;
      from += kStep * stride;
    }
    finish_group(shared_address(&memory.full[stage.slot]));
    stage.next();
  }

  __device__ void copy_queries(const RowTile& tile, const Tile& about, const T* query) {
    const int slot = tile_slot.slot;
    barrier_wait(shared_address(&memory.tile_empty[slot]), tile_slot.parity ^ 1);
    for (int i = thread; i < C::kRows; i += kWarpgroup) {
      memory.samples[slot][i] = tile.begin + i < tile.end ? sample_at(shape, tile.begin + i) : -1;
    }
    if (thread == 0) memory.tiles[slot] = about;
    named_barrier(1, kWarpgroup);
    constexpr int kChunks = C::kDim / 8;
    const SharedTile<C::kDim> to{shared_address(memory.queries[slot])};
    const int chunk = thread % kChunks;
    query += about.head * shape.head_dim + chunk * 8;
    const bool inside = chunk * 8 < shape.head_dim;
#pragma unroll 2
    for (int row = thread / kChunks; row < C::kRows; row += kWarpgroup / kChunks) {
      const bool valid = inside && row < about.count;
      const int64_t at = valid ? memory.samples[slot][row] * shape.query_stride : 0;
      copy16_async(to.chunk(row, chunk), query + at, valid);
    }
    finish_group(shared_address(&memory.tile_full[slot]));
    tile_slot.next();
  }

  // Samples of a row without keys.
  __device__ void write_empty(const RowTile& tile, int head, T* output, float* logsumexp) {
    for (int place = tile.begin; place < tile.end; ++place) {
      const int64_t at = int64_t{sample_at(shape, place)} * shape.num_heads + head;
      for (int d = thread; d < shape.head_dim; d += kWarpgroup) {
        output[at * shape.head_dim + d] = T(0.0f);
      }
      if (thread == 0) logsumexp[at] = -INFINITY;
    }
  }

  __device__ void run(const T* query, const T* key, const T* value, T* output, float* logsumexp,
                      int num_items) {
    for (int item = blockIdx.x; item < num_items; item += gridDim.x) {
      const int head = item % shape.num_heads;
      const RowTile tile =
          find_row_tile(shape.sample_offsets, shape.num_rows, C::kRows, item / shape.num_heads);
      if (tile.begin >= tile.end) continue;
      const int first_place = tile.begin - __ldg(shape.sample_offsets + tile.row);
      const int first_key = __ldg(shape.key_offsets + tile.row);
      int num_keys = __ldg(shape.key_offsets + tile.row + 1) - first_key;
      const int count = tile.end - tile.begin;
      if (shape.causal) num_keys = min(num_keys, first_place + count);
      if (num_keys == 0) {
        write_empty(tile, head, output, logsumexp);
        continue;
      }
      copy_queries(tile, {count, first_place, num_keys, head}, query);
      const T* keys = key + first_key * shape.key_stride + head * shape.head_dim;
      const T* values = value + first_key * shape.value_stride + head * shape.head_dim;
      for (int k = 0; k < num_keys; k += C::kKeys) {
        copy_stage(keys + k * shape.key_stride, shape.key_stride, num_keys - k);
        copy_stage(values + k * shape.value_stride, shape.value_stride, num_keys - k);
      }
    }
    copy_queries({0, 0, 0}, {0, 0, 0, 0}, query);
    flush();
  }
};

// ----------------------------------------------------------------------------------- consumer

template <typename T, typename C>
struct Consumer {
  const FoldedAttention& shape;
  Memory<C>& memory;
  int group_of_block;  // which consumer warpgroup
  int warp, lane;
  RingPosition<C::kStages> stage;

  float sums[C::kDim / 2];
  float scores[C::kKeys / 2];
  uint32_t weights[C::kKeys / 16][4];
  uint32_t queries[C::kDim / 16][4];
  float maximum[2], total[2];

  __device__ Consumer(const FoldedAttention& s, Memory<C>& m)
      : shape(s),
        memory(m),
        group_of_block(threadIdx.x / kWarpgroup - 1),
        warp(threadIdx.x / 32 % 4),
        lane(threadIdx.x % 32) {}

  __device__ void wait_stage(const RingPosition<C::kStages>& at) {
    barrier_wait(shared_address(&memory.full[at.slot]), at.parity);
  }
  __device__ void release_stage(int slot) {
    __syncwarp();
    if (lane == 0) barrier_arrive(shared_address(&memory.empty[slot]));
  }

  __device__ void multiply_keys(int slot) {
    const uint32_t base = shared_address(memory.stages[slot]);
    warpgroup_begin();
#pragma unroll
    for (int k = 0; k < C::kDim / 16; ++k) {
      const uint32_t at = base + k / 4 * (C::kKeys * 128) + k % 4 * 32;
      warpgroup_multiply<0>(scores, queries[k], swizzled_operand(at, 16), k != 0, T{});
    }
    warpgroup_commit();
  }
  __device__ void multiply_values(int slot) {
    const uint32_t base = shared_address(memory.stages[slot]);
    warpgroup_begin();
#pragma unroll
    for (int k = 0; k < C::kKeys / 16; ++k) {
      warpgroup_multiply<1>(sums, weights[k], swizzled_operand(base + k * 2048, C::kKeys * 128), 1,
                            T{});
    }
    warpgroup_commit();
  }

  __device__ void mask(int first, const int (&limit)[2]) {
#pragma unroll
    for (int i = 0; i < C::kKeys / 2; ++i) {
      const int key = first + i / 4 * 8 + lane % 4 * 2 + i % 2;
      if (key >= limit[i / 2 % 2]) scores[i] = -INFINITY;
    }
  }

  // Scores become weights; sums are rescaled when a maximum rises.
  __device__ void weigh(float scale) {
    float highest[2] = {-INFINITY, -INFINITY};
#pragma unroll
    for (int i = 0; i < C::kKeys / 2; ++i) {
      highest[i / 2 % 2] = fmaxf(highest[i / 2 % 2], scores[i]);
    }
    highest[0] = row_maximum(highest[0]) * scale;
    highest[1] = row_maximum(highest[1]) * scale;
    const bool raise = highest[0] > maximum[0] + kSlack || highest[1] > maximum[1] + kSlack;
    if (__any_sync(0xffffffffu, raise)) {
      float shrink[2];
#pragma unroll
      for (int r = 0; r < 2; ++r) {
        const float raised = fmaxf(maximum[r], highest[r]);
        shrink[r] = power_of_two(maximum[r] - raised);
        maximum[r] = raised;
        total[r] *= shrink[r];
      }
#pragma unroll
      for (int i = 0; i < C::kDim / 2; ++i) sums[i] *= shrink[i / 2 % 2];
    }
#pragma unroll
    for (int i = 0; i < C::kKeys / 2; i += 2) {
      const int r = i / 2 % 2;
      const float low = power_of_two(fmaf(scores[i], scale, -maximum[r]));
      const float high = power_of_two(fmaf(scores[i + 1], scale, -maximum[r]));
      total[r] += low + high;
      weights[i / 8][i / 2 % 4] = pack_pair(low, high, T{});
    }
  }

  __device__ void load_queries(int slot) {
    const SharedTile<C::kDim> tile{shared_address(memory.queries[slot])};
#pragma unroll
    for (int k = 0; k < C::kDim / 16; ++k) {
      mma::load_a(queries[k], tile, group_of_block * 64 + warp * 16, k);
    }
  }

  __device__ void write(const Tile& tile, int slot, T* output, float* logsumexp) {
#pragma unroll
    for (int r = 0; r < 2; ++r) {
      const float sum = row_sum(total[r]);
      const int row = group_of_block * 64 + warp * 16 + r * 8 + lane / 4;
      const int sample = memory.samples[slot][row];
      if (sample < 0) continue;
      const int64_t at = int64_t{sample} * shape.num_heads + tile.head;
      const float scale = 1 / sum;
      T* to = output + at * shape.head_dim + lane % 4 * 2;
#pragma unroll
      for (int j = 0; j < C::kDim / 8; ++j) {
        if (j * 8 >= shape.head_dim) break;
        *reinterpret_cast<uint32_t*>(to + j * 8) =
            pack_pair(sums[4 * j + 2 * r] * scale, sums[4 * j + 2 * r + 1] * scale, T{});
      }
      if (lane % 4 == 0) logsumexp[at] = (maximum[r] + log2f(sum)) * kLn2;
    }
  }

  __device__ void attend(const Tile& tile, int slot, T* output, float* logsumexp) {
    const float scale = static_cast<float>(shape.scale) * kLog2E;
    load_queries(slot);
    int limit[2] = {tile.num_keys, tile.num_keys};
    if (shape.causal) {
      const int place = tile.first_place + group_of_block * 64 + warp * 16 + lane / 4;
      limit[0] = min(limit[0], place + 1);
      limit[1] = min(limit[1], place + 9);
    }
#pragma unroll
    for (int i = 0; i < C::kDim / 2; ++i) sums[i] = 0;
    maximum[0] = maximum[1] = kLowest;
    total[0] = total[1] = 0;

    wait_stage(stage);
    multiply_keys(stage.slot);
    warpgroup_wait<0>();
    pin(scores);
    for (int k = 0; k < tile.num_keys; k += C::kKeys) {
      release_stage(stage.slot);  // the keys
      stage.next();
      if (shape.causal || k + C::kKeys > tile.num_keys) mask(k, limit);
      weigh(scale);
      wait_stage(stage);
      pin(sums);
      multiply_values(stage.slot);
      const int values = stage.slot;
      stage.next();
      if (k + C::kKeys < tile.num_keys) {
        wait_stage(stage);
        multiply_keys(stage.slot);  // queued behind the values: no gap between the two products
        warpgroup_wait<1>();
        release_stage(values);
        warpgroup_wait<0>();
        pin(scores);
      } else {
        warpgroup_wait<0>();
        release_stage(values);
      }
      pin(sums);
    }
    write(tile, slot, output, logsumexp);
  }

  // A warpgroup beyond the tile's samples only keeps the ring turning.
  __device__ void skip(const Tile& tile) {
    for (int k = 0; k < tile.num_keys; k += C::kKeys) {
      for (int i = 0; i < 2; ++i) {
        wait_stage(stage);
        release_stage(stage.slot);
        stage.next();
      }
    }
  }

  __device__ void run(T* output, float* logsumexp) {
    for (RingPosition<2> tile_slot;; tile_slot.next()) {
      barrier_wait(shared_address(&memory.tile_full[tile_slot.slot]), tile_slot.parity);
      const Tile tile = memory.tiles[tile_slot.slot];
      if (tile.count == 0) return;
      if (group_of_block * 64 < tile.count) {
        attend(tile, tile_slot.slot, output, logsumexp);
      } else {
        skip(tile);
      }
      __syncwarp();
      if (lane == 0) barrier_arrive(shared_address(&memory.tile_empty[tile_slot.slot]));
    }
  }
};

template <typename T, typename C>
__global__ void __launch_bounds__(C::kThreads, 1)
    forward_kernel(const __grid_constant__ FoldedAttention shape, const T* query, const T* key,
                   const T* value, T* output, float* logsumexp, int num_items) {
  extern __shared__ unsigned char raw[];
  // Swizzled operands need 1,024-byte alignment, which dynamic shared memory does not promise.
  const uint32_t address = shared_address(raw);
  Memory<C>& memory = *reinterpret_cast<Memory<C>*>(raw + (1024 - address % 1024) % 1024);
  if (threadIdx.x == 0) {
    for (int i = 0; i < C::kStages; ++i) {
      barrier_init(shared_address(&memory.full[i]), 4);
      barrier_init(shared_address(&memory.empty[i]), C::kGroups * 4);
    }
    for (int i = 0; i < 2; ++i) {
      barrier_init(shared_address(&memory.tile_full[i]), 4);
      barrier_init(shared_address(&memory.tile_empty[i]), C::kGroups * 4);
    }
  }
  __syncthreads();
  if (threadIdx.x < kWarpgroup) {
    give_registers<C::kProducerRegisters>();
    Producer<T, C>(shape, memory).run(query, key, value, output, logsumexp, num_items);
  } else {
    take_registers<C::kConsumerRegisters>();
    Consumer<T, C>(shape, memory).run(output, logsumexp);
  }
}

template <typename C>
constexpr int shared_bytes() {
  return sizeof(Memory<C>) + 1024;
}

}  // namespace wgmma
}  // namespace onefold
