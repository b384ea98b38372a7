// SPDX-License-Identifier: Apache-2.0
// gather_rows: rows of a matrix by index, with a deterministic gradient.
//
// It is the embedding lookup (rows = a table's distinct rows) and the expansion of a user vector to
// its samples (rows = unique rows, index = inverse_indices).
#pragma once

#include <ATen/core/TensorBody.h>

namespace onefold {

// out[i] = rows[index[i]].   rows [R, D] float or double, index int32 [N], 0 <= index[i] < R.
//
// The gradient sums each row's entries in ascending i (ops/segment_order.h), so it is the same for
// any number of threads; at::index_add, which at::index_select's gradient uses, scatters row by
// row.
at::Tensor gather_rows(const at::Tensor& rows, const at::Tensor& index);

}  // namespace onefold
