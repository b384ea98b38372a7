// SPDX-License-Identifier: Apache-2.0
// torch.ops.onefold.jagged_self_attention: every value of a row attends over its row, rows of any
// length, without padding.
#pragma once

#include <optional>

#include <ATen/core/Tensor.h>

namespace onefold {

// out[i] = softmax(scale * query[i] . key[r]) . value[r], head by head, over the values r of i's
// row; with `causal` over those up to i:
//   query, key, value [N, H, D], offsets int32 [U + 1]  ->  [N, H, D]
// `max_length` bounds the rows' lengths; it travels with the batch, so that nothing waits for the
// device. `scale` is 1 / sqrt(D) unless given. Trainable.
//
// On CUDA 16-bit types run Torch's variable-length FlashAttention and float32 its memory-efficient
// attention, the best kernels for this shape; their gradients are the same every run only under
// torch.use_deterministic_algorithms. Everything else runs the body of folded_attention, where a
// row's values are the samples that share it; on the CPU a row's bits do not depend on its
// neighbours.
at::Tensor jagged_self_attention(const at::Tensor& query, const at::Tensor& key,
                                 const at::Tensor& value, const at::Tensor& offsets,
                                 int64_t max_length, std::optional<double> scale = std::nullopt,
                                 bool causal = false);

}  // namespace onefold
