// SPDX-License-Identifier: Apache-2.0
// EmbeddingInput: one configured user embedding, from stored words to what the model takes, all on
// unique rows.
//
//   words [U, W] -> dequantised, default for empty rows [U, tokens, dim] -> adapter:
//     linear, gate   [U, outputs * width]   vectors of the model's dim
//     prepend        [U, tokens, width]     tokens of a block's dim, each with a learned position
//     none           [U, width]             what the first layer of the top MLP makes of the raw
//                                           values: that layer is linear, so its part on unique
//                                           rows is computed there and added after the expansion
#pragma once

#include <optional>
#include <string>

#include <ATen/core/TensorBody.h>

#include "onefold/model/embedding_adapter.h"
#include "onefold/model/embedding_config.h"
#include "onefold/model/linear.h"
#include "onefold/model/parameters.h"
#include "onefold/ops/batch_tensors.h"

namespace onefold {

class EmbeddingInput {
 public:
  // `width`: the dim of the model, of the block prepended to, or of the top MLP's first layer.
  EmbeddingInput(const EmbeddingConfig& config, int64_t width, Parameters& parameters);

  // A row's bits do not depend on the other rows.
  at::Tensor forward(const EmbeddingWords& words) const;

 private:
  at::Tensor values(const EmbeddingWords& words) const;  // [U, tokens, dim]

  EmbeddingConfig config_;
  int64_t width_;
  at::ScalarType dtype_;
  at::Tensor default_;                       // [tokens, dim], if learned
  std::optional<EmbeddingAdapter> adapter_;  // linear, gate
  Linear token_;                             // prepend: dim -> width
  at::Tensor position_;                      // prepend: [tokens, width]
  at::Tensor raw_weight_;                    // none: [width, tokens * dim]
};

}  // namespace onefold
