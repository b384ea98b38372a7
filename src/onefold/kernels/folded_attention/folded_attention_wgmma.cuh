// SPDX-License-Identifier: Apache-2.0
// Forward for rows with many samples, where the matrix products are the work. One block a
// multiprocessor walks over all tiles of samples, its warps in three roles:
//
//   tile warps      find the next tile, note what the others must know of it, copy its queries
//   stream warps    copy keys and values, stage after stage, across tiles
//   consumers       warpgroups that hold 64 samples each and multiply with wgmma
//
// The first two run ahead, so neither the search for a tile nor a copy is waited for. A consumer
// multiplies weights with values while it takes the next keys' exponentials, and its first products
// of a tile go with its last ones of the tile before.
#pragma once

#include "onefold/kernels/device/row_tiles.cuh"
#include "onefold/kernels/device/tensor_core.cuh"
#include "onefold/kernels/device/tensor_map.cuh"
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

struct Tile {
  int count;        // samples; 0: there are no more tiles
  int first_place;  // of the tile, counted from the row's first sample
  int first_key;    // of the row
  int num_keys;     // that the tile's samples see
  int head;
};

template <int kDim_, int kGroups_, int kKeys_, int kStages_>
struct Config {
  static constexpr int kDim = kDim_;        // head width in shared memory: 64 or 128
  static constexpr int kGroups = kGroups_;  // consumer warpgroups: 2 or 3
  static constexpr int kKeys = kKeys_;      // of a stage: 64 or 128
  static constexpr int kStages = kStages_;
  static constexpr int kRows = kGroups * 64;  // samples of a tile
  static constexpr int kThreads = (kGroups + 1) * kWarpgroup;
  // The register file, shared out: little for those who copy, the rest for the consumers.
  static constexpr int kProducerRegisters = kGroups == 2 ? 56 : 32;
  static constexpr int kConsumerRegisters = kGroups == 2 ? 224 : 160;
};

template <typename C>
struct alignas(1024) Memory {
  // 128-byte rows of 64 columns, swizzled; a second block of them for columns 64 and on.
  unsigned char stages[C::kStages][C::kKeys * C::kDim * 2];
  unsigned char queries[2][C::kRows * C::kDim * 2];
  int samples[2][C::kRows];
  Tile tiles[2];
  uint64_t full[C::kStages], empty[C::kStages];
  uint64_t tile_known[2], tile_full[2], tile_empty[2];  // known: `tiles`; full: queries as well
};

// How the copy engine finds keys and values. It copies whole stages only: past a row's last key it
// would copy the next row's, where zeros must be.
struct Boxes {
  CUtensorMap key, value;
  bool usable;
};

// Where chunk `chunk` (16 bytes) of a row lies in an operand of kRows rows.
template <int kRows>
__device__ __forceinline__ uint32_t operand_chunk(int row, int chunk) {
  return chunk / 8 * (kRows * 128) + row * 128 + ((chunk % 8 ^ row % 8) << 4);
}

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

// ---------------------------------------------------------------------------------- producers

constexpr int kRoleWarps = 2;  // stream warps, and tile warps
constexpr int kRoleThreads = kRoleWarps * 32;

// For a barrier that counts warps: what this warp wrote is there.
__device__ __forceinline__ void arrive_as_warp(uint32_t barrier) {
  __syncwarp();
  if (threadIdx.x % 32 == 0) barrier_arrive(barrier);
}

template <typename T, typename C>
struct Stream {
  const FoldedAttention& shape;
  Memory<C>& memory;
  int thread;
  RingPosition<C::kStages> stage;

  __device__ Stream(const FoldedAttention& s, Memory<C>& m)
      : shape(s), memory(m), thread(threadIdx.x % kRoleThreads) {}

  // Keys or values of a whole stage, by the copy engine.
  __device__ void copy_boxes(const CUtensorMap& map, int head, int row) {
    barrier_wait(shared_address(&memory.empty[stage.slot]), stage.parity ^ 1);
    const uint32_t full = shared_address(&memory.full[stage.slot]);
    if (thread == 0) {
      arrive_expecting(full, C::kKeys * C::kDim * 2);
      const uint32_t base = shared_address(memory.stages[stage.slot]);
#pragma unroll
      for (int column = 0; column < C::kDim; column += kBoxColumns) {
        copy_box(base + column * C::kKeys * 2, &map, column, head, row, full);
      }
    } else {
      barrier_arrive(full);
    }
    stage.next();
  }

  // `count` rows from `rows` on, zeros after them. A thread copies one chunk of every kStep-th row;
  // the copies themselves arrive at the barrier, nothing here waits for them.
  __device__ void copy_stage(const T* rows, int64_t stride, int count) {
    barrier_wait(shared_address(&memory.empty[stage.slot]), stage.parity ^ 1);
    constexpr int kChunks = C::kDim / 8;
    constexpr int kStep = kRoleThreads / kChunks;
    const int first = thread / kChunks, chunk = thread % kChunks;
    const uint32_t base = shared_address(memory.stages[stage.slot]);
    const T* from = rows + first * stride + chunk * 8;
    if (chunk * 8 >= shape.head_dim) count = 0;
#pragma unroll 4
    for (int row = 0; row < C::kKeys; row += kStep) {
      const bool valid = first + row < count;
      copy16_async(base + operand_chunk<C::kKeys>(first + row, chunk), from, valid);
      from += kStep * stride;
    }
    arrive_after_copies(shared_address(&memory.full[stage.slot]));
    stage.next();
  }

  __device__ void run(const T* key, const T* value, const Boxes& boxes) {
    for (RingPosition<2> slot;; slot.next()) {
      barrier_wait(shared_address(&memory.tile_known[slot.slot]), slot.parity);
      const Tile tile = memory.tiles[slot.slot];
      arrive_as_warp(shared_address(&memory.tile_empty[slot.slot]));
      if (tile.count == 0) return;
      const T* keys = key + tile.first_key * shape.key_stride + tile.head * shape.head_dim;
      const T* values = value + tile.first_key * shape.value_stride + tile.head * shape.head_dim;
      for (int k = 0; k < tile.num_keys; k += C::kKeys) {
        if (boxes.usable && k + C::kKeys <= tile.num_keys) {
          copy_boxes(boxes.key, tile.head, tile.first_key + k);
          copy_boxes(boxes.value, tile.head, tile.first_key + k);
        } else {
          copy_stage(keys + k * shape.key_stride, shape.key_stride, tile.num_keys - k);
          copy_stage(values + k * shape.value_stride, shape.value_stride, tile.num_keys - k);
        }
      }
    }
  }
};

template <typename T, typename C>
struct TileFinder {
  const FoldedAttention& shape;
  Memory<C>& memory;
  int thread;
  RingPosition<2> slot;

  __device__ TileFinder(const FoldedAttention& s, Memory<C>& m)
      : shape(s), memory(m), thread(threadIdx.x % kRoleThreads) {}

  __device__ void announce(const RowTile& tile, const Tile& about, const T* query) {
    const int at = slot.slot;
    barrier_wait(shared_address(&memory.tile_empty[at]), slot.parity ^ 1);
    if (thread == 0) memory.tiles[at] = about;
    for (int i = thread; i < C::kRows; i += kRoleThreads) {
      memory.samples[at][i] = i < about.count ? sample_at(shape, tile.begin + i) : -1;
    }
    arrive_as_warp(shared_address(&memory.tile_known[at]));
    named_barrier(1, kRoleThreads);
    constexpr int kChunks = C::kDim / 8;
    const uint32_t base = shared_address(memory.queries[at]);
    const int chunk = thread % kChunks;
    query += about.head * shape.head_dim + chunk * 8;
    const bool inside = chunk * 8 < shape.head_dim;
#pragma unroll 2
    for (int row = thread / kChunks; row < C::kRows; row += kRoleThreads / kChunks) {
      const bool valid = inside && row < about.count;
      const int64_t offset = valid ? memory.samples[at][row] * shape.query_stride : 0;
      copy16_async(base + operand_chunk<C::kRows>(row, chunk), query + offset, valid);
    }
    commit_copies();
    wait_copies<0>();
    arrive_as_warp(shared_address(&memory.tile_full[at]));
    slot.next();
  }

  // Samples of a row without keys.
  __device__ void write_empty(const RowTile& tile, int head, T* output, float* logsumexp) {
    for (int place = tile.begin; place < tile.end; ++place) {
      const int64_t at = int64_t{sample_at(shape, place)} * shape.num_heads + head;
      for (int d = thread; d < shape.head_dim; d += kRoleThreads) {
        output[at * shape.head_dim + d] = T(0.0f);
      }
      if (thread == 0) logsumexp[at] = -INFINITY;
    }
  }

  __device__ void run(const T* query, T* output, float* logsumexp, int num_items) {
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
      } else {
        announce(tile, {count, first_place, first_key, num_keys, head}, query);
      }
    }
    announce({0, 0, 0}, {0, 0, 0, 0, 0}, query);
  }
};

// ----------------------------------------------------------------------------------- consumer

// Everything here is inlined: an object in memory would take the accumulators with it.
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
  float maximum[2];
  float total[4];    // two parts of each row's
  uint32_t queries;  // this warpgroup's operand

  __device__ Consumer(const FoldedAttention& s, Memory<C>& m)
      : shape(s),
        memory(m),
        group_of_block(threadIdx.x / kWarpgroup - 1),
        warp(threadIdx.x / 32 % 4),
        lane(threadIdx.x % 32) {}

  // The fence stands with who multiplies, not with who copies: there it waits for copies under way.
  __device__ __forceinline__ void wait_stages(const RingPosition<C::kStages>& a,
                                              const RingPosition<C::kStages>& b) {
    barrier_wait(shared_address(&memory.full[a.slot]), a.parity);
    barrier_wait(shared_address(&memory.full[b.slot]), b.parity);
    fence_for_tensor_cores();
  }
  __device__ __forceinline__ void release_stage(int slot) {
    arrive_as_warp(shared_address(&memory.empty[slot]));
  }

  __device__ __forceinline__ void multiply_keys(int slot) {
    const uint32_t keys = swizzled_operand(shared_address(memory.stages[slot]), 16);
    warpgroup_begin();
#pragma unroll
    for (int k = 0; k < C::kDim / 16; ++k) {
      const uint32_t column = k % 4 * 32;
      warpgroup_multiply<0>(scores, advance(queries, k / 4 * (C::kRows * 128) + column),
                            advance(keys, k / 4 * (C::kKeys * 128) + column), k != 0, T{});
    }
    warpgroup_commit();
  }
  __device__ __forceinline__ void multiply_values(int slot) {
    const uint32_t values = swizzled_operand(shared_address(memory.stages[slot]), C::kKeys * 128);
    warpgroup_begin();
#pragma unroll
    for (int k = 0; k < C::kKeys / 16; ++k) {
      warpgroup_multiply<1>(sums, weights[k], advance(values, k * 2048), 1, T{});
    }
    warpgroup_commit();
  }

  __device__ __forceinline__ void mask(int first, const int (&limit)[2]) {
#pragma unroll
    for (int i = 0; i < C::kKeys / 2; ++i) {
      const int key = first + i / 4 * 8 + lane % 4 * 2 + i % 2;
      if (key >= limit[i / 2 % 2]) scores[i] = -INFINITY;
    }
  }

  // Scores become exponentials, in place. Where a maximum rises, what was summed before must be
  // multiplied by `shrink`; returns whether it did.
  __device__ __forceinline__ bool exponentiate(float scale, float (&shrink)[2]) {
    float parts[4] = {scores[0], scores[2], scores[1], scores[3]};  // two chains a row
#pragma unroll
    for (int i = 4; i < C::kKeys / 2; ++i) {
      parts[i / 2 % 2 + i % 2 * 2] = fmaxf(parts[i / 2 % 2 + i % 2 * 2], scores[i]);
    }
    float highest[2];
    highest[0] = row_maximum(fmaxf(parts[0], parts[2])) * scale;
    highest[1] = row_maximum(fmaxf(parts[1], parts[3])) * scale;
    const bool raise = __any_sync(
        0xffffffffu, highest[0] > maximum[0] + kSlack || highest[1] > maximum[1] + kSlack);
    if (raise) {
#pragma unroll
      for (int r = 0; r < 2; ++r) {
        const float raised = fmaxf(maximum[r], highest[r]);
        shrink[r] = power_of_two(maximum[r] - raised);
        maximum[r] = raised;
        total[r] *= shrink[r];
        total[r + 2] *= shrink[r];
      }
    }
#pragma unroll
    for (int i = 0; i < C::kKeys / 2; ++i) {
      const int r = i / 2 % 2;
      scores[i] = power_of_two(fmaf(scores[i], scale, -maximum[r]));
      total[r + i % 2 * 2] += scores[i];
    }
    return raise;
  }

  // Once the products before are done: makes room for the next weights.
  __device__ __forceinline__ void take_weights(bool raised, const float (&shrink)[2]) {
    if (raised) {
#pragma unroll
      for (int i = 0; i < C::kDim / 2; ++i) sums[i] *= shrink[i / 2 % 2];
    }
#pragma unroll
    for (int i = 0; i < C::kKeys / 2; i += 2) {
      weights[i / 8][i / 2 % 4] = pack_pair(scores[i], scores[i + 1], T{});
    }
  }

  __device__ __forceinline__ void write(const Tile& tile, int slot, T* output, float* logsumexp) {
#pragma unroll
    for (int r = 0; r < 2; ++r) {
      const float sum = row_sum(total[r] + total[r + 2]);
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

  __device__ __forceinline__ bool takes_part(const Tile& tile) const {
    return group_of_block * 64 < tile.count;
  }

  __device__ __forceinline__ Tile wait_tile(const RingPosition<2>& slot) {
    barrier_wait(shared_address(&memory.tile_full[slot.slot]), slot.parity);
    return memory.tiles[slot.slot];
  }

  // The first scores of a tile, from the keys of this stage. Who takes no part in the tile makes
  // some too, of whatever is there: so there are always some under way when a tile begins.
  __device__ __forceinline__ void start(int slot) {
    queries =
        swizzled_operand(shared_address(memory.queries[slot]) + group_of_block * 64 * 128, 16);
    multiply_keys(stage.slot);
  }

  // Up to the last weights: `stage` becomes that of the last values. The first scores are under
  // way.
  __device__ __forceinline__ void attend(const Tile& tile) {
    const float scale = static_cast<float>(shape.scale) * kLog2E;
    int limit[2] = {tile.num_keys, tile.num_keys};
    if (shape.causal) {
      const int place = tile.first_place + group_of_block * 64 + warp * 16 + lane / 4;
      limit[0] = min(limit[0], place + 1);
      limit[1] = min(limit[1], place + 9);
    }
#pragma unroll
    for (int i = 0; i < C::kDim / 2; ++i) sums[i] = 0;
    maximum[0] = maximum[1] = kLowest;
    total[0] = total[1] = total[2] = total[3] = 0;

    float shrink[2] = {0, 0};
    if (shape.causal || C::kKeys > tile.num_keys) mask(0, limit);
    take_weights(exponentiate(scale, shrink), shrink);
    for (int k = C::kKeys; k < tile.num_keys; k += C::kKeys) {
      const RingPosition<C::kStages> values = stage;
      stage.next();
      wait_stages(values, stage);
      multiply_keys(stage.slot);
      pin(sums);
      multiply_values(values.slot);
      warpgroup_wait<1>();
      pin(scores);
      release_stage(stage.slot);
      stage.next();
      if (shape.causal || k + C::kKeys > tile.num_keys) mask(k, limit);
      const bool raised = exponentiate(scale, shrink);
      stay_above(total[0] + total[1] + total[2] +
                 total[3]);  // exponentials before the wait: they are what hides it
      warpgroup_wait<0>();
      pin(sums);
      release_stage(values.slot);
      take_weights(raised, shrink);
    }
  }

  // Without a part in the tile: only keeps the ring of stages going.
  __device__ __forceinline__ void skip(const Tile& tile) {
    for (int k = C::kKeys; k < tile.num_keys; k += C::kKeys) {
      for (int i = 0; i < 2; ++i) {
        barrier_wait(shared_address(&memory.full[stage.slot]), stage.parity);
        release_stage(stage.slot);
        stage.next();
      }
    }
  }

  // The last values of a tile, and the first keys of `next`, whose stages follow each other.
  __device__ __forceinline__ void finish(const Tile& next, int next_slot) {
    const RingPosition<C::kStages> values = stage;
    stage.next();
    if (next.count != 0) {
      wait_stages(values, stage);
    } else {
      wait_stages(values, values);
    }
    pin(sums);
    multiply_values(values.slot);
    start(next_slot);
    warpgroup_wait<1>();
    pin(sums);
    release_stage(values.slot);
  }

  __device__ __forceinline__ void run(T* output, float* logsumexp) {
    RingPosition<2> slot;
    Tile tile = wait_tile(slot);
    if (tile.count == 0) return;
    wait_stages(stage, stage);
    start(slot.slot);
    while (tile.count != 0) {
      warpgroup_wait<0>();
      pin(scores);
      release_stage(stage.slot);
      stage.next();
      const bool mine = takes_part(tile);
      if (mine) {
        attend(tile);
      } else {
        skip(tile);
      }
      RingPosition<2> next_slot = slot;
      next_slot.next();
      const Tile next = wait_tile(next_slot);
      finish(next, next_slot.slot);
      if (mine) write(tile, slot.slot, output, logsumexp);
      arrive_as_warp(shared_address(&memory.tile_empty[slot.slot]));
      tile = next;
      slot = next_slot;
    }
    warpgroup_wait<0>();
    pin(scores);
  }
};

template <typename T, typename C>
__global__ void __launch_bounds__(C::kThreads, 1)
    forward_kernel(const __grid_constant__ FoldedAttention shape, const T* query, const T* key,
                   const T* value, const __grid_constant__ Boxes boxes, T* output, float* logsumexp,
                   int num_items) {
  extern __shared__ unsigned char raw[];
  // Swizzled operands need 1,024-byte alignment, which dynamic shared memory does not promise.
  const uint32_t address = shared_address(raw);
  Memory<C>& memory = *reinterpret_cast<Memory<C>*>(raw + (1024 - address % 1024) % 1024);
  if (threadIdx.x == 0) {
    for (int i = 0; i < C::kStages; ++i) {
      barrier_init(shared_address(&memory.full[i]), kRoleThreads);
      barrier_init(shared_address(&memory.empty[i]), C::kGroups * 4);
    }
    for (int i = 0; i < 2; ++i) {
      barrier_init(shared_address(&memory.tile_known[i]), kRoleWarps);
      barrier_init(shared_address(&memory.tile_full[i]), kRoleWarps);
      barrier_init(shared_address(&memory.tile_empty[i]), C::kGroups * 4 + kRoleWarps);
    }
    fence_barrier_init();
  }
  __syncthreads();
  if (threadIdx.x < kWarpgroup) {
    give_registers<C::kProducerRegisters>();
    if (threadIdx.x < kRoleThreads) {
      Stream<T, C>(shape, memory).run(key, value, boxes);
    } else {
      TileFinder<T, C>(shape, memory).run(query, output, logsumexp, num_items);
    }
  } else {
    take_registers<C::kConsumerRegisters>();
    Consumer<T, C>(shape, memory).run(output, logsumexp);
  }
}

template <typename C, typename T>
Boxes make_boxes(const FoldedAttention& shape, const T* key, const T* value) {
  Boxes boxes;
  boxes.usable = describe_rows(&boxes.key, key, shape.num_keys, shape.num_heads, shape.head_dim,
                               shape.key_stride, C::kKeys) &&
                 describe_rows(&boxes.value, value, shape.num_keys, shape.num_heads, shape.head_dim,
                               shape.value_stride, C::kKeys);
  return boxes;
}

template <typename C>
constexpr int shared_bytes() {
  return sizeof(Memory<C>) + 1024;
}

}  // namespace wgmma
}  // namespace onefold
