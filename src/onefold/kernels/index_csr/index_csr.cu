// SPDX-License-Identifier: Apache-2.0
// CUB's radix sort is stable, so members ascend within a row. Row starts are read off the sorted
// rows: every place where the row changes fills the offsets of the rows it passes.
#include <cub/device/device_radix_sort.cuh>

#include "onefold/kernels/device/cuda_check.cuh"
#include "onefold/kernels/index_csr/index_csr.h"

namespace onefold {
namespace {

constexpr int kBlock = 256;

struct Workspace {
  int32_t* entries;      // [num_entries] 0, 1, 2, ...
  int32_t* sorted_rows;  // [num_entries]
  void* sort;
  size_t sort_bytes;
  size_t total_bytes;
};

size_t align_up(size_t bytes) { return (bytes + 255) / 256 * 256; }

int num_bits(int64_t num_rows) {
  int bits = 1;
  while ((int64_t{1} << bits) < num_rows) ++bits;
  return bits;
}

Workspace make_workspace(void* memory, int64_t num_entries, int64_t num_rows) {
  Workspace w{};
  ONEFOLD_CUDA_CHECK(cub::DeviceRadixSort::SortPairs(
      nullptr, w.sort_bytes, static_cast<const int32_t*>(nullptr), static_cast<int32_t*>(nullptr),
      static_cast<const int32_t*>(nullptr), static_cast<int32_t*>(nullptr),
      static_cast<int>(num_entries), 0, num_bits(num_rows)));
  const size_t array_bytes = align_up(num_entries * sizeof(int32_t));
  char* base = static_cast<char*>(memory);
  w.entries = reinterpret_cast<int32_t*>(base);
  w.sorted_rows = reinterpret_cast<int32_t*>(base + array_bytes);
  w.sort = base + 2 * array_bytes;
  w.total_bytes = 2 * array_bytes + align_up(w.sort_bytes);
  return w;
}

__global__ void iota_kernel(int32_t* entries, int num_entries) {
  const int i = blockIdx.x * kBlock + threadIdx.x;
  if (i < num_entries) entries[i] = i;
}

// One thread per gap between neighbours in the sorted rows, the two ends included.
__global__ void row_offsets_kernel(const int32_t* __restrict__ sorted_rows, int num_entries,
                                   int num_rows, int32_t* __restrict__ offsets) {
  const int i = blockIdx.x * kBlock + threadIdx.x;
  if (i > num_entries) return;
  const int previous = i == 0 ? -1 : sorted_rows[i - 1];
  const int current = i == num_entries ? num_rows : sorted_rows[i];
  for (int row = previous + 1; row <= current; ++row) offsets[row] = i;
}

}  // namespace

size_t index_csr_cuda_workspace_bytes(int64_t num_entries, int64_t num_rows) {
  return make_workspace(nullptr, num_entries, num_rows).total_bytes;
}

void index_csr_cuda(const IndexCsrParams& params, Stream stream_handle) {
  const cudaStream_t stream = static_cast<cudaStream_t>(stream_handle);
  const int num_entries = static_cast<int>(params.num_entries);
  const int num_rows = static_cast<int>(params.num_rows);
  Workspace w = make_workspace(params.workspace, num_entries, num_rows);
  if (w.total_bytes > params.workspace_bytes) {
    check_failed(__FILE__, __LINE__, "workspace_bytes", "index_csr: the workspace is too small");
  }
  if (num_entries > 0) {
    const int blocks = (num_entries + kBlock - 1) / kBlock;
    iota_kernel<<<blocks, kBlock, 0, stream>>>(w.entries, num_entries);
    ONEFOLD_CUDA_CHECK_LAUNCH();
    ONEFOLD_CUDA_CHECK(cub::DeviceRadixSort::SortPairs(w.sort, w.sort_bytes, params.index,
                                                       w.sorted_rows, w.entries, params.members,
                                                       num_entries, 0, num_bits(num_rows), stream));
  }
  row_offsets_kernel<<<num_entries / kBlock + 1, kBlock, 0, stream>>>(w.sorted_rows, num_entries,
                                                                      num_rows, params.offsets);
  ONEFOLD_CUDA_CHECK_LAUNCH();
}

}  // namespace onefold
