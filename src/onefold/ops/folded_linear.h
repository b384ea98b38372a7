// SPDX-License-Identifier: Apache-2.0
// torch.ops.onefold.folded_linear: a dense layer over [user; candidate] whose user half is computed
// once per unique row.
#pragma once

#include <ATen/core/Tensor.h>

#include "onefold/ops/index_csr.h"

namespace onefold {

// out[i] = weight . [user[inverse_indices[i]]; candidate[i]] + bias
//   user [U, Du], candidate [B, Dc], weight [M, Du + Dc], bias [M] or undefined  ->  [B, M]
//
// The sum splits over the columns of `weight`; only its result is expanded, so the user half costs
// U rows instead of B. Trainable; the gradient of the user half is reduced to U rows before its
// matrix products. On the CPU a row's bits do not depend on the other rows (see row_linear).
at::Tensor folded_linear(const at::Tensor& user, const at::Tensor& candidate,
                         const at::Tensor& weight, const at::Tensor& bias, const FoldIndex& fold);

}  // namespace onefold
