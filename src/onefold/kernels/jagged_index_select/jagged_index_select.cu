// SPDX-License-Identifier: Apache-2.0
// Forward: a warp copies kTile output rows of one key; runs of equal source rows are loaded once,
// into registers, and stored several times. Keys with large values are walked in the order of their
// source rows (index_csr), so that each is read from memory once.
// Backward: a warp sums source rows, each over the output rows made from it. Where values are whole
// 16-byte packs it loads them into registers; where not, rows begin anywhere, and the copy engine
// brings them to shared memory, a batch ahead of the sums.
// Long rows are shared by the gridDim.y warps of one tile.
#include <algorithm>

#include <cub/device/device_scan.cuh>
#include <thrust/iterator/counting_iterator.h>
#include <thrust/iterator/transform_iterator.h>

#include "onefold/kernels/device/copy_engine.cuh"
#include "onefold/kernels/device/cuda_check.cuh"
#include "onefold/kernels/device/pack.cuh"
#include "onefold/kernels/device/tensor_core.cuh"
#include "onefold/kernels/jagged_index_select/jagged_index_select.h"

namespace onefold {
namespace {

// ------------------------------------------------------------------------------------ kernels

constexpr int kBlock = 256;
constexpr int kWarps = kBlock / 32;
constexpr unsigned kAllLanes = 0xffffffff;
constexpr int kMembers = 4;   // output rows in flight in a sum
constexpr int kSumPacks = 2;  // packs of each that a lane holds
// A key's values that stay in the second-level cache while its rows are copied.
constexpr int64_t kCachedBytes = int64_t{16} << 20;

struct SelectedLength {
  const int32_t* offsets;
  const int32_t* index;
  int num_rows, num_out_rows;

  __device__ __forceinline__ int32_t operator()(int32_t out_row) const {
    const int key = out_row / num_out_rows;
    const int64_t row = static_cast<int64_t>(key) * num_rows + index[out_row - key * num_out_rows];
    return offsets[row + 1] - offsets[row];
  }
};

// kTile output rows to a warp; a lane holds kUnits units at once.
template <typename Unit, int kTile, int kUnits>
__global__ void __launch_bounds__(kBlock)
    select_kernel(JaggedSelection s, const Unit* __restrict__ values, Unit* __restrict__ out,
                  int units_per_value, int tiles_per_key) {
  constexpr int kChunk = 32 * kUnits;
  const int64_t warp = static_cast<int64_t>(blockIdx.x) * kWarps + threadIdx.x / 32;
  const int lane = threadIdx.x % 32;
  const int64_t key = warp / tiles_per_key;
  if (key >= s.num_keys) return;
  const int64_t member = (warp - key * tiles_per_key) * kTile + lane;
  int row = -1, source = 0, length = 0, target = 0;
  if (lane < kTile && member < s.num_out_rows) {
    const int64_t sample = s.members != nullptr ? s.members[member] : member;
    row = s.index[sample];
    source = s.offsets[key * s.num_rows + row];
    length = s.offsets[key * s.num_rows + row + 1] - source;
    target = s.out_offsets[key * s.num_out_rows + sample];
    if (static_cast<int64_t>(target) + length > s.num_out_values) length = 0;
  }
  for (int i = 0; i < kTile;) {
    const int run_row = __shfl_sync(kAllLanes, row, i);
    if (run_row < 0) break;
    const unsigned same = __ballot_sync(kAllLanes, row == run_row) >> i;
    const int run = __ffs(~same) - 1;  // equal rows from i on
    const int64_t begin = static_cast<int64_t>(__shfl_sync(kAllLanes, source, i)) * units_per_value;
    const int64_t units = static_cast<int64_t>(__shfl_sync(kAllLanes, length, i)) * units_per_value;
    for (int64_t chunk = static_cast<int64_t>(blockIdx.y) * kChunk; chunk < units;
         chunk += static_cast<int64_t>(gridDim.y) * kChunk) {
      const int left = static_cast<int>(min(units - chunk, static_cast<int64_t>(kChunk)));
      Unit unit[kUnits];
#pragma unroll
      for (int u = 0; u < kUnits; ++u) {
        if (u * 32 + lane < left) unit[u] = values[begin + chunk + u * 32 + lane];
      }
      for (int j = i; j < i + run; ++j) {
        const int64_t to =
            static_cast<int64_t>(__shfl_sync(kAllLanes, target, j)) * units_per_value + chunk;
#pragma unroll
        for (int u = 0; u < kUnits; ++u) {
          if (u * 32 + lane < left) out[to + u * 32 + lane] = unit[u];
        }
      }
    }
    i += run;
  }
}

// Loads are not guarded: past the end of a row or of its members they repeat the last one, whose
// line is there anyway. Guards would make the compiler wait for each load before the next.
template <typename T, int N>
__global__ void __launch_bounds__(kBlock)
    sum_kernel(JaggedSelection s, const Pack<T, N>* __restrict__ grad_out,
               Pack<T, N>* __restrict__ grad_values, int packs_per_value) {
  using Sum = typename SumOf<T>::type;
  constexpr int kPacks = kSumPacks;
  constexpr int kPiece = 32 * kPacks;  // packs a warp sums at once
  const int64_t warp = static_cast<int64_t>(blockIdx.x) * kWarps + threadIdx.x / 32;
  const int lane = threadIdx.x % 32;
  const int64_t key = warp / s.num_rows;
  if (key >= s.num_keys) return;
  const int64_t row = warp - key * s.num_rows;
  const int64_t begin = static_cast<int64_t>(s.offsets[warp]) * packs_per_value;
  const int64_t packs = static_cast<int64_t>(s.offsets[warp + 1]) * packs_per_value - begin;
  const int first_member = s.row_members[row], last_member = s.row_members[row + 1];
  for (int64_t piece = static_cast<int64_t>(blockIdx.y) * kPiece; piece < packs;
       piece += static_cast<int64_t>(gridDim.y) * kPiece) {
    const int left = static_cast<int>(min(packs - piece, static_cast<int64_t>(kPiece)));
    int place[kPacks];
#pragma unroll
    for (int u = 0; u < kPacks; ++u) place[u] = min(u * 32 + lane, left - 1);
    Sum sums[kPacks][N] = {};
    for (int m = first_member; m < last_member; m += 32) {
      // The lanes fetch where 32 output rows begin: one trip to memory for all of them.
      int target = 0;
      if (m + lane < last_member) {
        target = s.out_offsets[key * s.num_out_rows + s.members[m + lane]];
      }
      const int count = min(32, last_member - m);
      for (int j = 0; j < count; j += kMembers) {
        Pack<T, N> value[kMembers][kPacks];
#pragma unroll
        for (int i = 0; i < kMembers; ++i) {
          const int64_t from = __shfl_sync(kAllLanes, target, min(j + i, count - 1));
#pragma unroll
          for (int u = 0; u < kPacks; ++u) {
            value[i][u] = grad_out[from * packs_per_value + piece + place[u]];
          }
        }
#pragma unroll
        for (int i = 0; i < kMembers; ++i) {
          if (j + i >= count) break;
#pragma unroll
          for (int u = 0; u < kPacks; ++u) add(sums[u], value[i][u]);
        }
      }
    }
#pragma unroll
    for (int u = 0; u < kPacks; ++u) {
      if (u * 32 + lane < left) {
        grad_values[begin + piece + u * 32 + lane] = pack_sums<T, N>(sums[u]);
      }
    }
  }
}

// ----------------------------------------------- backward where rows are not 16-byte packs

constexpr int kBatchWarps = 1;  // of a block: 2 took 3 % longer
constexpr int kBatchBlock = kBatchWarps * 32;
constexpr int kBatches = 2;        // of a warp, in shared memory
constexpr int kPieceBytes = 1792;  // of a row, summed at once; whole registers of all lanes
static_assert(kPieceBytes % (32 * sizeof(double)) == 0);
constexpr int kRowsPerWarp = 4;

// Up to kMembers output rows' pieces, each with the bytes around it that make whole packs.
struct alignas(16) Batch {
  unsigned char piece[kMembers][kPieceBytes + 16];
};

// Walks over a warp's batches: for each of its source rows and each of the row's pieces, the output
// rows made from it. The same in all lanes; the lanes hold what several rows need.
template <typename T>
struct BatchWalk {
  static constexpr int kPiece = kPieceBytes / sizeof(T);  // numbers

  const JaggedSelection& s;
  const int32_t* out_offsets;  // of the key
  int width, num_rows;
  int my_bound, my_offset;  // lane i: of row i
  int window, target;       // lane i: where the output row of member window + i begins
  int row = -1, row_begin, row_end, member, count;
  int64_t begin, size, piece;  // numbers: the row's first, the row's, the piece's first in the row

  __device__ BatchWalk(const JaggedSelection& selection, int64_t key, int64_t first_row, int w)
      : s(selection), out_offsets(selection.out_offsets + key * selection.num_out_rows), width(w) {
    num_rows = static_cast<int>(min(static_cast<int64_t>(kRowsPerWarp), s.num_rows - first_row));
    const int lane = threadIdx.x % 32;
    my_bound = s.row_members[first_row + min(lane, num_rows)];
    my_offset = s.offsets[key * s.num_rows + first_row + min(lane, num_rows)];
    fetch(__shfl_sync(kAllLanes, my_bound, 0));
    row_end = member = count = 0;
    piece = size = 0;
    next();
  }
  __device__ __forceinline__ bool done() const { return row >= num_rows; }
  __device__ __forceinline__ bool last_of_piece() const { return member + count >= row_end; }
  __device__ __forceinline__ int left() const {
    return static_cast<int>(min(size - piece, static_cast<int64_t>(kPiece)));
  }

  __device__ __forceinline__ void fetch(int first) {
    window = first;
    const int at = window + threadIdx.x % 32;
    target = at < __shfl_sync(kAllLanes, my_bound, num_rows) ? out_offsets[s.members[at]] : 0;
  }
  __device__ __forceinline__ void next() {
    member += count;
    if (member >= row_end) {
      piece += static_cast<int64_t>(gridDim.y) * kPiece;
      while (piece >= size) {
        if (++row >= num_rows) return;
        begin = static_cast<int64_t>(__shfl_sync(kAllLanes, my_offset, row)) * width;
        size = static_cast<int64_t>(__shfl_sync(kAllLanes, my_offset, row + 1)) * width - begin;
        row_begin = __shfl_sync(kAllLanes, my_bound, row);
        row_end = __shfl_sync(kAllLanes, my_bound, row + 1);
        piece = static_cast<int64_t>(blockIdx.y) * kPiece;
      }
      member = row_begin;
    }
    if (member < window || member >= window + 32) fetch(member);
    count = min(kMembers, min(row_end, window + 32) - member);
  }
  // The first number of member + i's piece in grad_out.
  __device__ __forceinline__ int64_t source(int i) const {
    return static_cast<int64_t>(__shfl_sync(kAllLanes, target, member - window + i)) * width +
           piece;
  }
};

// Whole packs around the numbers, as long as they end before `end`: the last numbers of all may be
// in no pack that does.
template <typename T>
__device__ __forceinline__ void copy_batch(const BatchWalk<T>& walk, const T* grad_out,
                                           uintptr_t end, Batch& batch, uint32_t barrier) {
  const int lane = threadIdx.x % 32;
  const T* from = grad_out + walk.source(min(lane, max(walk.count - 1, 0)));
  const uintptr_t first = reinterpret_cast<uintptr_t>(from) / 16 * 16;
  const uintptr_t last = (reinterpret_cast<uintptr_t>(from + walk.left()) + 15) / 16 * 16;
  const uintptr_t stop = min(last, end);
  const int bytes = lane < walk.count && stop > first ? static_cast<int>(stop - first) : 0;
  const int all_bytes = __reduce_add_sync(kAllLanes, bytes);
  if (lane == 0) arrive_expecting(barrier, all_bytes);
  if (bytes > 0) {
    copy_packs(shared_address(batch.piece[lane]), reinterpret_cast<const void*>(first), bytes,
               barrier);
  }
}

template <typename T>
__global__ void __launch_bounds__(kBatchBlock)
    sum_batches_kernel(JaggedSelection s, const T* __restrict__ grad_out,
                       T* __restrict__ grad_values, int width, int tiles_per_key) {
  using Sum = typename SumOf<T>::type;
  constexpr int kNumbers = BatchWalk<T>::kPiece / 32;  // a lane's
  __shared__ Batch batches[kBatchWarps][kBatches];
  __shared__ uint64_t barriers[kBatchWarps][kBatches];
  const int warp_of_block = threadIdx.x / 32, lane = threadIdx.x % 32;
  const int64_t warp = static_cast<int64_t>(blockIdx.x) * kBatchWarps + warp_of_block;
  const int64_t key = warp / tiles_per_key;
  if (key >= s.num_keys) return;
  if (lane < kBatches) barrier_init(shared_address(&barriers[warp_of_block][lane]), 1);
  fence_barrier_init();
  __syncwarp();
  const uintptr_t end = reinterpret_cast<uintptr_t>(grad_out + s.num_out_values * width) / 16 * 16;
  BatchWalk<T> walk(s, key, (warp - key * tiles_per_key) * kRowsPerWarp, width);
  BatchWalk<T> ahead = walk;
  for (int i = 0; i < kBatches && !ahead.done(); ++i, ahead.next()) {
    copy_batch(ahead, grad_out, end, batches[warp_of_block][i],
               shared_address(&barriers[warp_of_block][i]));
  }
  Sum sums[kNumbers] = {};
  for (int slot = 0, parity = 0; !walk.done(); walk.next()) {
    Batch& batch = batches[warp_of_block][slot];
    const uint32_t barrier = shared_address(&barriers[warp_of_block][slot]);
    const int left = walk.left();
    barrier_wait(barrier, parity);
    for (int i = 0; i < walk.count; ++i) {
      const T* from = grad_out + walk.source(i);
      const auto address = reinterpret_cast<uintptr_t>(from);
      const T* copied = reinterpret_cast<const T*>(batch.piece[i] + address % 16);
      if (address + left * sizeof(T) <= end) {
#pragma unroll
        for (int u = 0; u < kNumbers; ++u) {
          if (u * 32 + lane < left) sums[u] += to_sum(copied[u * 32 + lane]);
        }
      } else {
#pragma unroll
        for (int u = 0; u < kNumbers; ++u) {
          const int at = u * 32 + lane;
          const bool is_copied = address + (at + 1) * sizeof(T) <= end;
          if (at < left) sums[u] += to_sum(is_copied ? copied[at] : from[at]);
        }
      }
    }
    if (walk.last_of_piece()) {
#pragma unroll
      for (int u = 0; u < kNumbers; ++u) {
        const int at = u * 32 + lane;
        if (at < left) grad_values[walk.begin + walk.piece + at] = from_sum<T>(sums[u]);
        sums[u] = 0;
      }
    }
    __syncwarp();
    if (!ahead.done()) {
      copy_batch(ahead, grad_out, end, batch, barrier);
      ahead.next();
    }
    if (++slot == kBatches) {
      slot = 0;
      parity ^= 1;
    }
  }
}

// ---------------------------------------------------------------------------------- launchers

// Enough warps per row that one does an average row's piece or two.
unsigned num_splits(int64_t units, int64_t num_rows, int64_t piece) {
  return static_cast<unsigned>(std::clamp<int64_t>(units / (num_rows * piece), 1, 1024));
}

unsigned num_blocks(int64_t warps) { return static_cast<unsigned>((warps + kWarps - 1) / kWarps); }

template <typename Unit, int kTile, int kUnits>
void launch_tiles(const JaggedSelection& s, const JaggedIndexSelectParams& params,
                  cudaStream_t stream) {
  const int units_per_value = static_cast<int>(params.value_bytes / sizeof(Unit));
  const int tiles_per_key = static_cast<int>((s.num_out_rows + kTile - 1) / kTile);
  const dim3 grid(
      num_blocks(s.num_keys * tiles_per_key),
      num_splits(s.num_out_values * units_per_value, s.num_keys * s.num_out_rows, 32 * kUnits));
  select_kernel<Unit, kTile, kUnits>
      <<<grid, kBlock, 0, stream>>>(s, static_cast<const Unit*>(params.values),
                                    static_cast<Unit*>(params.out), units_per_value, tiles_per_key);
  ONEFOLD_CUDA_CHECK_LAUNCH();
}

template <typename Unit>
void launch_select(const JaggedIndexSelectParams& params, cudaStream_t stream) {
  JaggedSelection s = params.selection;
  // Written in their own order, rows leave no half-written lines behind; that is worth more than
  // the order of the source rows while a key's values stay in the cache anyway.
  if (s.num_out_values * params.value_bytes / s.num_keys <= kCachedBytes) {
    s.members = nullptr;
    return launch_tiles<Unit, 1, 16>(s, params, stream);
  }
  launch_tiles<Unit, 4, 8>(s, params, stream);
}

template <typename T, int N>
void launch_sum(const JaggedIndexSelectBackwardParams& params, cudaStream_t stream) {
  const JaggedSelection& s = params.selection;
  const int packs_per_value = static_cast<int>(params.width / N);
  const int64_t num_rows = s.num_keys * s.num_rows;
  const dim3 grid(num_blocks(num_rows),
                  num_splits(params.num_values * packs_per_value, num_rows, 32 * kSumPacks));
  sum_kernel<T, N><<<grid, kBlock, 0, stream>>>(s, static_cast<const Pack<T, N>*>(params.grad_out),
                                                static_cast<Pack<T, N>*>(params.grad_values),
                                                packs_per_value);
  ONEFOLD_CUDA_CHECK_LAUNCH();
}

template <typename T>
void launch_sum_batches(const JaggedIndexSelectBackwardParams& params, cudaStream_t stream) {
  const JaggedSelection& s = params.selection;
  const int tiles_per_key = static_cast<int>((s.num_rows + kRowsPerWarp - 1) / kRowsPerWarp);
  const int64_t warps = s.num_keys * tiles_per_key;
  const dim3 grid(static_cast<unsigned>((warps + kBatchWarps - 1) / kBatchWarps),
                  num_splits(params.num_values * params.width, s.num_keys * s.num_rows,
                             BatchWalk<T>::kPiece * 4));
  sum_batches_kernel<T><<<grid, kBatchBlock, 0, stream>>>(
      s, static_cast<const T*>(params.grad_out), static_cast<T*>(params.grad_values),
      static_cast<int>(params.width), tiles_per_key);
  ONEFOLD_CUDA_CHECK_LAUNCH();
}

auto selected_lengths(const JaggedSelection& s) {
  return thrust::make_transform_iterator(
      thrust::counting_iterator<int32_t>(0),
      SelectedLength{s.offsets, s.index, static_cast<int>(s.num_rows),
                     static_cast<int>(s.num_out_rows)});
}

}  // namespace

size_t jagged_select_offsets_cuda_workspace_bytes(const JaggedSelection& s) {
  size_t bytes = 0;
  ONEFOLD_CUDA_CHECK(cub::DeviceScan::InclusiveSum(nullptr, bytes, selected_lengths(s),
                                                   static_cast<int32_t*>(nullptr),
                                                   static_cast<int>(s.num_keys * s.num_out_rows)));
  return bytes;
}

void jagged_select_offsets_cuda(const JaggedSelection& s, int32_t* out_offsets, void* workspace,
                                size_t workspace_bytes, Stream stream_handle) {
  const cudaStream_t stream = static_cast<cudaStream_t>(stream_handle);
  ONEFOLD_CUDA_CHECK(cudaMemsetAsync(out_offsets, 0, sizeof(int32_t), stream));
  const int64_t num_out_rows = s.num_keys * s.num_out_rows;
  if (num_out_rows == 0) return;
  ONEFOLD_CUDA_CHECK(cub::DeviceScan::InclusiveSum(workspace, workspace_bytes, selected_lengths(s),
                                                   out_offsets + 1, static_cast<int>(num_out_rows),
                                                   stream));
}

void jagged_index_select_cuda(const JaggedIndexSelectParams& params, Stream stream_handle) {
  const cudaStream_t stream = static_cast<cudaStream_t>(stream_handle);
  const auto fits = [&](int64_t bytes) {
    return aligned(bytes, params.value_bytes, params.values, params.out);
  };
  if (fits(16)) return launch_select<uint4>(params, stream);
  if (fits(8)) return launch_select<uint2>(params, stream);
  if (fits(4)) return launch_select<uint32_t>(params, stream);
  if (fits(2)) return launch_select<uint16_t>(params, stream);
  launch_select<uint8_t>(params, stream);
}

void jagged_index_select_backward_cuda(const JaggedIndexSelectBackwardParams& params,
                                       Stream stream_handle) {
  const cudaStream_t stream = static_cast<cudaStream_t>(stream_handle);
  with_cuda_element(params.type, [&]<typename T>(T) {
    constexpr int kWide = 16 / sizeof(T);
    if (aligned(16, params.width * sizeof(T), params.grad_out, params.grad_values)) {
      launch_sum<T, kWide>(params, stream);
    } else {
      launch_sum_batches<T>(params, stream);
    }
  });
}

}  // namespace onefold
