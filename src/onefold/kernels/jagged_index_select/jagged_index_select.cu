// SPDX-License-Identifier: Apache-2.0
// Forward: a warp copies kTile output rows of one key. They come in the order of their source row,
// so runs of equal rows are loaded once, into registers, and stored several times.
// Backward: a warp sums one source row over the output rows made from it.
// Long rows are shared by the gridDim.y warps of one tile.
#include <algorithm>

#include <cub/device/device_scan.cuh>
#include <thrust/iterator/counting_iterator.h>
#include <thrust/iterator/transform_iterator.h>

#include "onefold/kernels/device/cuda_check.cuh"
#include "onefold/kernels/device/pack.cuh"
#include "onefold/kernels/jagged_index_select/jagged_index_select.h"

namespace onefold {
namespace {

// ------------------------------------------------------------------------------------ kernels

constexpr int kBlock = 256;
constexpr int kWarps = kBlock / 32;
constexpr int kTile = 4;
constexpr int kUnits = 8;            // units a lane holds at once
constexpr int kChunk = 32 * kUnits;  // units a warp copies at once
constexpr unsigned kAllLanes = 0xffffffff;

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

template <typename Unit>
__global__ void __launch_bounds__(kBlock)
    select_kernel(JaggedSelection s, const Unit* __restrict__ values, Unit* __restrict__ out,
                  int units_per_value, int tiles_per_key) {
  const int64_t warp = static_cast<int64_t>(blockIdx.x) * kWarps + threadIdx.x / 32;
  const int lane = threadIdx.x % 32;
  const int64_t key = warp / tiles_per_key;
  if (key >= s.num_keys) return;
  const int64_t member = (warp - key * tiles_per_key) * kTile + lane;
  int row = -1, source = 0, length = 0, target = 0;
  if (lane < kTile && member < s.num_out_rows) {
    const int64_t sample = s.members[member];
    row = s.index[sample];
    source = s.offsets[key * s.num_rows + row];
    length = s.offsets[key * s.num_rows + row + 1] - source;
    target = s.out_offsets[key * s.num_out_rows + sample];
    if (static_cast<int64_t>(target) + length > s.num_out_values) length = 0;
  }
  for (int i = 0; i < kTile;) {
    const int run_row = __shfl_sync(kAllLanes, row, i);
    if (run_row < 0) break;
    const int run = __popc(__ballot_sync(kAllLanes, row == run_row));
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

template <typename T, int N>
__global__ void __launch_bounds__(kBlock)
    sum_kernel(JaggedSelection s, const Pack<T, N>* __restrict__ grad_out,
               Pack<T, N>* __restrict__ grad_values, int packs_per_value) {
  using Sum = typename SumOf<T>::type;
  constexpr int kPacks = N == 1 ? 8 : 2;
  const int64_t warp = static_cast<int64_t>(blockIdx.x) * kWarps + threadIdx.x / 32;
  const int lane = threadIdx.x % 32;
  const int64_t key = warp / s.num_rows;
  if (key >= s.num_keys) return;
  const int64_t row = warp - key * s.num_rows;
  const int64_t begin = static_cast<int64_t>(s.offsets[warp]) * packs_per_value;
  const int64_t packs = static_cast<int64_t>(s.offsets[warp + 1]) * packs_per_value - begin;
  const int first_member = s.row_members[row], last_member = s.row_members[row + 1];
  for (int64_t chunk = static_cast<int64_t>(blockIdx.y) * 32 * kPacks; chunk < packs;
       chunk += static_cast<int64_t>(gridDim.y) * 32 * kPacks) {
    const int left = static_cast<int>(min(packs - chunk, static_cast<int64_t>(32 * kPacks)));
    Sum sums[kPacks][N] = {};
    for (int m = first_member; m < last_member; m += 32) {
      // The lanes fetch 32 places at once: one trip to memory for all of them.
      int from = 0;
      if (m + lane < last_member) from = s.out_offsets[key * s.num_out_rows + s.members[m + lane]];
      const int count = min(32, last_member - m);
#pragma unroll 2
      for (int j = 0; j < count; ++j) {
        const Pack<T, N>* piece =
            grad_out + static_cast<int64_t>(__shfl_sync(kAllLanes, from, j)) * packs_per_value +
            chunk;
#pragma unroll
        for (int u = 0; u < kPacks; ++u) {
          if (u * 32 + lane < left) add(sums[u], piece[u * 32 + lane]);
        }
      }
    }
#pragma unroll
    for (int u = 0; u < kPacks; ++u) {
      if (u * 32 + lane < left) {
        grad_values[begin + chunk + u * 32 + lane] = pack_sums<T, N>(sums[u]);
      }
    }
  }
}

// ---------------------------------------------------------------------------------- launchers

// Enough warps per row that none copies more than about four chunks of an average row.
unsigned num_splits(int64_t units, int64_t num_rows) {
  return static_cast<unsigned>(std::clamp<int64_t>(units / (num_rows * kChunk * 4), 1, 1024));
}

unsigned num_blocks(int64_t warps) { return static_cast<unsigned>((warps + kWarps - 1) / kWarps); }

template <typename Unit>
void launch_select(const JaggedIndexSelectParams& params, cudaStream_t stream) {
  const JaggedSelection& s = params.selection;
  const int units_per_value = static_cast<int>(params.value_bytes / sizeof(Unit));
  const int tiles_per_key = static_cast<int>((s.num_out_rows + kTile - 1) / kTile);
  const dim3 grid(num_blocks(s.num_keys * tiles_per_key),
                  num_splits(s.num_out_values * units_per_value, s.num_keys * s.num_out_rows));
  select_kernel<Unit><<<grid, kBlock, 0, stream>>>(s, static_cast<const Unit*>(params.values),
                                                   static_cast<Unit*>(params.out), units_per_value,
                                                   tiles_per_key);
  ONEFOLD_CUDA_CHECK_LAUNCH();
}

template <typename T, int N>
void launch_sum(const JaggedIndexSelectBackwardParams& params, cudaStream_t stream) {
  const JaggedSelection& s = params.selection;
  const int packs_per_value = static_cast<int>(params.width / N);
  const int64_t num_rows = s.num_keys * s.num_rows;
  const dim3 grid(num_blocks(num_rows), num_splits(params.num_values * packs_per_value, num_rows));
  sum_kernel<T, N><<<grid, kBlock, 0, stream>>>(s, static_cast<const Pack<T, N>*>(params.grad_out),
                                                static_cast<Pack<T, N>*>(params.grad_values),
                                                packs_per_value);
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
      launch_sum<T, 1>(params, stream);
    }
  });
}

}  // namespace onefold
