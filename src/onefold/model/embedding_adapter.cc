// SPDX-License-Identifier: Apache-2.0
#include "onefold/model/embedding_adapter.h"

#include <ATen/ops/div.h>
#include <ATen/ops/sqrt.h>
#include <ATen/ops/square.h>

#include "onefold/base/check.h"

namespace onefold {
namespace {

// The algebraic sigmoid of ops/swish.h, for the same reason: at::sigmoid's bits depend on a value's
// place.
at::Tensor sigmoid(const at::Tensor& x) { return x.div(x.square().add(1).sqrt()).add(1).div(2); }

}  // namespace

EmbeddingAdapter::EmbeddingAdapter(AdapterType type, const EmbeddingShape& shape, int64_t outputs,
                                   int64_t model_dim, const std::string& name,
                                   Parameters& parameters)
    : shape_(shape) {
  ONEFOLD_CHECK(type == AdapterType::kLinear || type == AdapterType::kGate,
                "the adapter has no weights of its own");
  const int64_t inputs = shape.num_values();
  if (type == AdapterType::kGate) gate_ = Linear(parameters, name + ".gate", inputs, shape.tokens);
  projection_ = Linear(parameters, name + ".projection", inputs, outputs * model_dim);
}

at::Tensor EmbeddingAdapter::forward(const at::Tensor& embedding) const {
  const int64_t rows = embedding.size(0);
  const at::Tensor flat = embedding.reshape({rows, shape_.num_values()});
  if (!gate_.defined()) return projection_.per_row(flat);
  const at::Tensor gates = sigmoid(gate_.per_row(flat)).view({rows, shape_.tokens, 1});
  const at::Tensor gated = embedding.view({rows, shape_.tokens, shape_.dim}).mul(gates);
  return projection_.per_row(gated.reshape({rows, shape_.num_values()}));
}

}  // namespace onefold
