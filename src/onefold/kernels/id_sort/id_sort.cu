// SPDX-License-Identifier: Apache-2.0
// Ids to rows, CUB's radix sort over as many bits as the tables have, CUB's selection of the places
// where the row changes.
#include <algorithm>

#include <cub/device/device_radix_sort.cuh>
#include <cub/device/device_select.cuh>
#include <thrust/iterator/counting_iterator.h>

#include "onefold/kernels/device/cuda_check.cuh"
#include "onefold/kernels/id_sort/id_sort.h"

namespace onefold {
namespace {

constexpr int kBlock = 256;
constexpr int kMaxFeatures = 64;  // per launch; more features take more launches

struct FeatureBatch {
  const int64_t* ids[kMaxFeatures];
  int32_t first_id[kMaxFeatures + 1];  // where each feature's ids begin, and the end of the last
  int32_t first_row[kMaxFeatures];
  int32_t num_rows[kMaxFeatures];
  int num_features;
};

// keys and positions are what the sort starts from; nullptr where nothing is sorted.
__global__ void rows_kernel(const __grid_constant__ FeatureBatch batch, int32_t total_rows,
                            int32_t* __restrict__ rows, int32_t* __restrict__ keys,
                            int32_t* __restrict__ positions) {
  const int i = batch.first_id[0] + blockIdx.x * kBlock + threadIdx.x;
  if (i >= batch.first_id[batch.num_features]) return;
  int low = 0,
      high = batch.num_features;  // the feature with first_id[low] <= i < first_id[low + 1]
  while (high - low > 1) {
    const int middle = (low + high) / 2;
    if (batch.first_id[middle] <= i) {
      low = middle;
    } else {
      high = middle;
    }
  }
  const int64_t id = batch.ids[low][i - batch.first_id[low]];
  const bool inside = id >= 0 && id < batch.num_rows[low];
  const int32_t row = inside ? batch.first_row[low] + static_cast<int32_t>(id) : -1;
  rows[i] = row;
  if (keys == nullptr) return;
  keys[i] = inside ? row : total_rows;
  positions[i] = i;
}

// True where a run of one table row begins.
struct BeginsRun {
  const int32_t* sorted_rows;
  int32_t total_rows;

  __device__ __forceinline__ bool operator()(int32_t i) const {
    const int32_t row = sorted_rows[i];
    return row < total_rows && (i == 0 || row != sorted_rows[i - 1]);
  }
};

// counts[0] holds the number of runs; adds the end of the last one and the number of ids outside.
__global__ void finish_kernel(const int32_t* __restrict__ sorted_rows, int num_ids,
                              int32_t total_rows, int32_t* __restrict__ run_offsets,
                              int32_t* __restrict__ counts) {
  int low = 0, high = num_ids;
  while (low < high) {
    const int middle = (low + high) / 2;
    if (sorted_rows[middle] < total_rows) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  run_offsets[counts[0]] = low;
  counts[1] = num_ids - low;
}

struct Workspace {
  int32_t* keys;
  int32_t* positions;
  void* cub;
  size_t cub_bytes;
  size_t total_bytes;
};

size_t align_up(size_t bytes) { return (bytes + 255) / 256 * 256; }

// Keys run to total_rows, which stands for "outside".
int num_bits(int64_t total_rows) {
  int bits = 1;
  while ((total_rows >> bits) != 0) ++bits;
  return bits;
}

Workspace make_workspace(void* memory, int64_t num_ids, int64_t total_rows) {
  size_t sort_bytes = 0, select_bytes = 0;
  const int32_t* in = nullptr;
  int32_t* out = nullptr;
  const int n = static_cast<int>(num_ids);
  ONEFOLD_CUDA_CHECK(cub::DeviceRadixSort::SortPairs(nullptr, sort_bytes, in, out, in, out, n, 0,
                                                     num_bits(total_rows)));
  ONEFOLD_CUDA_CHECK(cub::DeviceSelect::If(
      nullptr, select_bytes, thrust::counting_iterator<int32_t>(0), out, out, n, BeginsRun{in, 0}));
  Workspace w{};
  const size_t array_bytes = align_up(num_ids * sizeof(int32_t));
  char* base = static_cast<char*>(memory);
  w.keys = reinterpret_cast<int32_t*>(base);
  w.positions = reinterpret_cast<int32_t*>(base + array_bytes);
  w.cub = base + 2 * array_bytes;
  w.cub_bytes = std::max(sort_bytes, select_bytes);
  w.total_bytes = 2 * array_bytes + align_up(w.cub_bytes);
  return w;
}

void launch_rows(const IdSortParams& params, int32_t* keys, int32_t* positions,
                 cudaStream_t stream) {
  int64_t first_id = 0;
  for (int64_t f = 0; f < params.num_features; f += kMaxFeatures) {
    FeatureBatch batch{};
    batch.num_features = static_cast<int>(std::min<int64_t>(kMaxFeatures, params.num_features - f));
    batch.first_id[0] = static_cast<int32_t>(first_id);
    for (int i = 0; i < batch.num_features; ++i) {
      const TableIds& feature = params.features[f + i];
      batch.ids[i] = feature.ids;
      batch.first_row[i] = static_cast<int32_t>(feature.first_row);
      batch.num_rows[i] = static_cast<int32_t>(feature.num_rows);
      first_id += feature.num_ids;
      batch.first_id[i + 1] = static_cast<int32_t>(first_id);
    }
    const int64_t num_ids = first_id - batch.first_id[0];
    if (num_ids == 0) continue;
    rows_kernel<<<static_cast<unsigned>((num_ids + kBlock - 1) / kBlock), kBlock, 0, stream>>>(
        batch, static_cast<int32_t>(params.total_rows), params.rows, keys, positions);
    ONEFOLD_CUDA_CHECK_LAUNCH();
  }
}

}  // namespace

void id_rows_cuda(const IdSortParams& params, Stream stream) {
  launch_rows(params, nullptr, nullptr, static_cast<cudaStream_t>(stream));
}

size_t id_sort_cuda_workspace_bytes(int64_t num_ids, int64_t total_rows) {
  return make_workspace(nullptr, num_ids, total_rows).total_bytes;
}

void id_sort_cuda(const IdSortParams& params, Stream stream_handle) {
  const cudaStream_t stream = static_cast<cudaStream_t>(stream_handle);
  const int num_ids = static_cast<int>(params.num_ids);
  const int32_t total_rows = static_cast<int32_t>(params.total_rows);
  Workspace w = make_workspace(params.workspace, num_ids, total_rows);
  if (w.total_bytes > params.workspace_bytes) {
    check_failed(__FILE__, __LINE__, "workspace_bytes", "id_sort: the workspace is too small");
  }
  ONEFOLD_CUDA_CHECK(cudaMemsetAsync(params.counts, 0, 2 * sizeof(int32_t), stream));
  if (num_ids > 0) {
    launch_rows(params, w.keys, w.positions, stream);
    size_t bytes = w.cub_bytes;
    ONEFOLD_CUDA_CHECK(cub::DeviceRadixSort::SortPairs(
        w.cub, bytes, static_cast<const int32_t*>(w.keys), params.sorted_rows,
        static_cast<const int32_t*>(w.positions), params.sorted_positions, num_ids, 0,
        num_bits(total_rows), stream));
    bytes = w.cub_bytes;
    ONEFOLD_CUDA_CHECK(cub::DeviceSelect::If(w.cub, bytes, thrust::counting_iterator<int32_t>(0),
                                             params.run_offsets, params.counts, num_ids,
                                             BeginsRun{params.sorted_rows, total_rows}, stream));
  }
  finish_kernel<<<1, 1, 0, stream>>>(params.sorted_rows, num_ids, total_rows, params.run_offsets,
                                     params.counts);
  ONEFOLD_CUDA_CHECK_LAUNCH();
}

}  // namespace onefold
