// SPDX-License-Identifier: Apache-2.0
// row_self_attention: self-attention inside each jagged row, without padding.
#pragma once

#include <ATen/core/TensorBody.h>

namespace onefold {

// Multi-head softmax(q kᵀ / sqrt(D / heads)) v among the values of each row.
//   qkv [N, 3 * D] float or double: queries, keys and values side by side; offsets int32 [U + 1]
//   -> [N, D]
// REQUIRES: D % heads == 0.
//
// Each row is one call of libtorch's flash kernel at its own length, rows in parallel: no padding
// to a longest row, no mask, and a row's bits cannot depend on its neighbours. The [L, L] weights
// are never stored; the gradient recomputes them from the saved log-sum-exp.
at::Tensor row_self_attention(const at::Tensor& qkv, const at::Tensor& offsets, int64_t heads);

}  // namespace onefold
