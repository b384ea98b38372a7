// SPDX-License-Identifier: Apache-2.0
// pool_segments: one vector per jagged row of vectors.
#pragma once

#include <ATen/core/TensorBody.h>

#include "onefold/ops/pooling.h"

namespace onefold {

// out[u] = sum or mean of values[offsets[u]] ... values[offsets[u + 1] - 1], added in that order,
// so that a row's bits do not depend on the other rows.
//   values [N, D] float or double, offsets int32 [U + 1]  ->  [U, D]
at::Tensor pool_segments(const at::Tensor& values, const at::Tensor& offsets, Pooling pooling);

}  // namespace onefold
