// SPDX-License-Identifier: Apache-2.0
// torch.ops.onefold.din_attention: the target attention of DIN (Zhou et al. 2018, arXiv
// 1706.06978), user half folded.
//
// DIN scores history item k against candidate q by a small MLP over [q, k, q - k, q ∘ k]. With the
// first layer's weight split by those four inputs, W = [Wq | Wk | Wd | Wp],
//
//   W [q; k; q-k; q∘k] + b  =  (Wq + Wd) q  +  (Wk - Wd) k + b  +  Wp (q ∘ k)
//                              candidate      user half           product
//                              B rows         unique rows         per sample and value
//
// so the user half is computed once per unique row, and only the product part is left per sample.
// It is itself Wp (q ∘ k) = (Wp diag(q)) k: a small matrix per sample times the row's keys, so that
// q ∘ k is never stored (kernels/din_attention).
#pragma once

#include <ATen/core/TensorBody.h>

#include "onefold/ops/index_csr.h"

namespace onefold {

struct DinInput {
  at::Tensor query;           // [B, D] candidates q
  at::Tensor candidate_half;  // [B, H] (Wq + Wd) q
  at::Tensor keys;            // [N, D] history items k of the unique rows
  at::Tensor user_half;       // [N, H] (Wk - Wd) k + b
  at::Tensor product;         // [H, D] Wp
  at::Tensor score;           // [H]    second layer: hidden activations -> weight
  at::Tensor score_bias;      // [1]
  at::Tensor offsets;         // [U + 1] int32, of keys
  FoldIndex fold;             // of the B samples over the U rows
};

// out[i] = sum over l of w[i, l] keys[l], with l over sample i's unique row and
//   w[i, l] = score · swish(candidate_half[i] + user_half[l] + product (query[i] ∘ keys[l])) + bias
// -> [B, D]. As in the paper the weights are not normalised. The paper's activation, Dice, takes
// mean and variance over the batch, so a sample would depend on the others; with both fixed at 0
// and 1 and its alpha at 0, Dice is swish (kernels/swish/swish_math.h). float or double, on the
// CPU. Differentiable once; a sample's bits do not depend on how many samples share its row.
at::Tensor din_attention(const DinInput& input);

}  // namespace onefold
