// SPDX-License-Identifier: Apache-2.0
// EmbeddingAdapter: how a user embedding enters a model, on unique rows.
//
//   linear  y = W vec(x) + b
//   gate    y = W vec(g ∘ x) + b,   g = sigmoid(G vec(x) + c), one value per token (GateNet)
//
// x [tokens, dim] of one user; y is `outputs` vectors of the model's dim, side by side. The sigmoid
// is algebraic, (1 + z / sqrt(1 + z²)) / 2, for the reason given in ops/swish.h.
#pragma once

#include <cstdint>
#include <string>

#include <ATen/core/TensorBody.h>

#include "onefold/embedding_store/quantize.h"
#include "onefold/model/embedding_config.h"
#include "onefold/model/linear.h"
#include "onefold/model/parameters.h"

namespace onefold {

class EmbeddingAdapter {
 public:
  // REQUIRES: `type` is kLinear or kGate; the others have no weights of their own here
  // (model/embedding_input.h).
  EmbeddingAdapter(AdapterType type, const EmbeddingShape& shape, int64_t outputs,
                   int64_t model_dim, const std::string& name, Parameters& parameters);

  // embedding [U, tokens, dim] -> [U, outputs * model_dim]. A row's bits do not depend on U.
  at::Tensor forward(const at::Tensor& embedding) const;

 private:
  EmbeddingShape shape_;
  Linear gate_;  // vec(x) -> [tokens]; undefined for linear
  Linear projection_;
};

}  // namespace onefold
