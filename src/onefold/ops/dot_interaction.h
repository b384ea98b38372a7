// SPDX-License-Identifier: Apache-2.0
// dot_interaction: DLRM's pairwise dot products.
#pragma once

#include <ATen/core/TensorBody.h>

namespace onefold {

// vectors [B, F, D] float or double -> [B, F * (F - 1) / 2]: for each sample the dot product of
// each pair (0,1), (0,2), (1,2), (0,3), ... in that order. Only the lower triangle is computed.
at::Tensor dot_interaction(const at::Tensor& vectors);

}  // namespace onefold
