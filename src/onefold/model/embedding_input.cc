// SPDX-License-Identifier: Apache-2.0
#include "onefold/model/embedding_input.h"

#include <cmath>

#include "onefold/ops/embedding_words.h"
#include "onefold/ops/row_linear.h"

namespace onefold {

EmbeddingInput::EmbeddingInput(const EmbeddingConfig& config, int64_t width, Parameters& parameters)
    : config_(config), width_(width), dtype_(parameters.dtype()) {
  const EmbeddingShape& shape = config.shape;
  if (config.empty == EmptyEmbedding::kLearned) {
    default_ = parameters.add_constant(config.name + ".default", {shape.tokens, shape.dim}, 0);
  }
  switch (config.adapter) {
    case AdapterType::kLinear:
    case AdapterType::kGate:
      adapter_.emplace(config.adapter, shape, config.outputs, width, config.name, parameters);
      break;
    case AdapterType::kPrepend:
      token_ = Linear(parameters, config.name + ".token", shape.dim, width);
      position_ = parameters.add_uniform(config.name + ".position", {shape.tokens, width}, 0.02);
      break;
    case AdapterType::kNone:
      raw_weight_ =
          parameters.add_uniform(config.name + ".raw.weight", {width, shape.num_values()},
                                 1.0 / std::sqrt(static_cast<double>(shape.num_values())));
      break;
  }
}

at::Tensor EmbeddingInput::forward(const EmbeddingWords& words) const {
  const at::Tensor x = values(words);
  if (adapter_) return adapter_->forward(x);
  if (token_.defined()) {
    const at::Tensor tokens = token_.per_row(x.view({-1, config_.shape.dim}));
    return tokens.view({x.size(0), config_.shape.tokens, width_}).add(position_);
  }
  return row_linear(x.view({x.size(0), -1}), raw_weight_, {});
}

at::Tensor EmbeddingInput::values(const EmbeddingWords& words) const {
  const at::Tensor x = dequantize_words(words.words, config_.format, config_.shape).to(dtype_);
  if (!default_.defined()) return x;
  return x.add(words.is_empty.to(dtype_).view({-1, 1, 1}).mul(default_));
}

}  // namespace onefold
