// SPDX-License-Identifier: Apache-2.0
// torch.ops.onefold.window_pool: pooled windows of payload rows that many samples share.
#pragma once

#include <ATen/core/Tensor.h>

#include "onefold/kernels/pooling.h"
#include "onefold/ops/index_csr.h"

namespace onefold {

// out[i] = sum (or mean) of values[r + starts[i] .. r + starts[i] + lengths[i]), where r is the
// first value of sample i's payload row:
//   values [N, ...], row_offsets int32 [U + 1], starts and lengths int32 [B]  ->  [B, ...]
// An empty window gives 0. Each value is added up once, into prefix sums, however many windows hold
// it. Trainable; sums in double; the same bits every run.
// REQUIRES: every window lies in its row.
at::Tensor window_pool(const at::Tensor& values, const at::Tensor& row_offsets,
                       const at::Tensor& starts, const at::Tensor& lengths, const FoldIndex& fold,
                       bool mean);

// The same with every row one window: the sum or mean of each jagged row.
//   values [N, ...], row_offsets int32 [U + 1]  ->  [U, ...]
at::Tensor pool_rows(const at::Tensor& values, const at::Tensor& row_offsets, Pooling pooling);

}  // namespace onefold
