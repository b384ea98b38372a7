// SPDX-License-Identifier: Apache-2.0
// torch.ops.onefold.expand: one row per sample from unique rows; the last step of "expand late".
#pragma once

#include <ATen/core/Tensor.h>

#include "onefold/ops/index_csr.h"

namespace onefold {

// out[i] = unique[inverse_indices[i]].   unique [U, ...]  ->  [B, ...], any dtype.
//
// Differentiable, twice; float32, float64, bfloat16 and float16 have gradients. Gradients are
// summed in float32 (float64) in a fixed order: the same bit for bit in every run.
at::Tensor expand(const at::Tensor& unique, const FoldIndex& fold);

// The adjoint: out[u] = sum of rows[i] over the samples i of u.   rows [B, ...]  ->  [U, ...].
at::Tensor expand_backward(const at::Tensor& rows, const FoldIndex& fold);

}  // namespace onefold
