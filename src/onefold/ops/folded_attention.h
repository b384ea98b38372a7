// SPDX-License-Identifier: Apache-2.0
// torch.ops.onefold.folded_attention: candidates attend over their user's keys and values, which
// exist once per unique row and are read where they lie.
#pragma once

#include <optional>

#include <ATen/core/Tensor.h>

#include "onefold/ops/index_csr.h"

namespace onefold {

// out[i] = softmax(scale * query[i] . key[r]) . value[r], head by head, over the values r of sample
// i's unique row:
//   query [B, H, D], key and value [N, H, D], key_offsets int32 [U + 1]  ->  [B, H, D]
// `scale` is 1 / sqrt(D) unless given, and positive. A sample whose row is empty gets zeros.
//
// Equal to attention over expanded rows; on the CPU the bits of a sample's result do not depend on
// which other samples share its row. Gradients of query, key and value; float32, float64, bfloat16
// and float16; the same bits every run. Strided tensors are taken as they are if heads and columns
// lie side by side (slices of one [N, 3, H, D], say). On the CPU any D; on CUDA D <= 256, and the
// tensor cores take 16-bit types with D <= 128, a multiple of 8.
at::Tensor folded_attention(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                            const at::Tensor& key_offsets, const FoldIndex& fold,
                            std::optional<double> scale = std::nullopt);

namespace attention {

// What both attention ops run: the samples of row u are members[sample_offsets[u] ..
// sample_offsets[u + 1]), or those numbers themselves without `members`; with `causal` the i-th
// sample of a row sees its keys 0 .. i. Differentiable.
at::Tensor run(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
               const at::Tensor& key_offsets, const at::Tensor& sample_offsets,
               const std::optional<at::Tensor>& members, double scale, bool causal);

double scale_or_default(std::optional<double> scale, const at::Tensor& query);

}  // namespace attention
}  // namespace onefold
