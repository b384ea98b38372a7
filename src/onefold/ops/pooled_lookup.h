// SPDX-License-Identifier: Apache-2.0
// pooled_lookup: embedding lookup and pooling in one pass; the looked-up rows are never stored.
#pragma once

#include <ATen/core/TensorBody.h>

#include "onefold/ops/pooling.h"

namespace onefold {

// out[u] = sum or mean of rows[index[i]] over i in [offsets[u], offsets[u + 1]), in that order.
//   rows [R, D] float or double, index int32 [N], offsets int32 [U + 1]  ->  [U, D]
// The gradient sums in ascending i per row of `rows`: the same for any number of threads.
at::Tensor pooled_lookup(const at::Tensor& rows, const at::Tensor& index, const at::Tensor& offsets,
                         Pooling pooling);

}  // namespace onefold
