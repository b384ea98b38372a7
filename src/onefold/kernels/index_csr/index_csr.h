// SPDX-License-Identifier: Apache-2.0
// index_csr: an index turned around, so that gradients are reduced in one fixed order, without
// atomics.
//
//   index     0 0 1 0 2          entry i reads row index[i]
//   members   0 1 3 2 4          the entries of row 0, of row 1, ...; ascending within a row
//   offsets   0 3 4 5
//
// Built once per batch from inverse_indices; expand, jagged_index_select and the attention kernels
// share it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "onefold/kernels/device.h"

namespace onefold {

struct IndexCsrParams {
  const int32_t* index = nullptr;  // [num_entries], 0 <= index[i] < num_rows
  int64_t num_entries = 0;
  int64_t num_rows = 0;
  int32_t* offsets = nullptr;  // [num_rows + 1]
  int32_t* members = nullptr;  // [num_entries]
  void* workspace = nullptr;   // [index_csr_workspace_bytes()], 256-byte aligned
  size_t workspace_bytes = 0;
};

// Scratch memory that index_csr needs on this device; 0 on the CPU.
size_t index_csr_workspace_bytes(int64_t num_entries, int64_t num_rows, const Device& device);

void index_csr(const IndexCsrParams& params, const Device& device);

// Bodies.
void index_csr_scalar(const IndexCsrParams& params);
size_t index_csr_cuda_workspace_bytes(int64_t num_entries, int64_t num_rows);
void index_csr_cuda(const IndexCsrParams& params, Stream stream);

}  // namespace onefold
