// SPDX-License-Identifier: Apache-2.0
// torch.ops.onefold.index_csr: an index turned around, for gradients without atomics.
#pragma once

#include <ATen/core/Tensor.h>

namespace onefold {

// For index int32 [N] with 0 <= index[i] < num_rows: `members` lists the entries of row 0, of row
// 1,
// ..., ascending within a row; row r has members[offsets[r] .. offsets[r + 1]).
//   index 0 0 1 0 2  ->  offsets 0 3 4 5   members 0 1 3 2 4
struct IndexCsr {
  at::Tensor offsets;  // int32 [num_rows + 1]
  at::Tensor members;  // int32 [N]
};

IndexCsr index_csr(const at::Tensor& index, int64_t num_rows);

// How the samples of a batch refer to unique rows, both ways; made once per batch and group, where
// the batch is made, and shared by every op that expands or reduces.
struct FoldIndex {
  at::Tensor inverse_indices;  // int32 [B]
  IndexCsr csr;                // over inverse_indices

  int64_t num_samples() const { return inverse_indices.size(0); }
  int64_t num_unique() const { return csr.offsets.size(0) - 1; }
};

inline FoldIndex make_fold_index(const at::Tensor& inverse_indices, int64_t num_unique) {
  return {inverse_indices, index_csr(inverse_indices, num_unique)};
}

}  // namespace onefold
