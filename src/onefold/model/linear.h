// SPDX-License-Identifier: Apache-2.0
// Linear: y = W x + b, and Mlp, a stack of them with swish between.
#pragma once

#include <string>
#include <vector>

#include <ATen/core/TensorBody.h>

#include "onefold/model/parameters.h"

namespace onefold {

class Linear {
 public:
  Linear() = default;
  // `weight` uniform within sqrt(1 / inputs), `bias` zero.
  Linear(Parameters& parameters, const std::string& name, int64_t inputs, int64_t outputs);

  // x [B, inputs] of one row per sample.
  at::Tensor per_sample(const at::Tensor& x) const;
  // x [N, inputs] of unique rows or their values: a row's bits do not depend on N
  // (ops/row_linear.h).
  at::Tensor per_row(const at::Tensor& x) const;

  bool defined() const { return weight_.defined(); }

 private:
  at::Tensor weight_, bias_;  // [outputs, inputs], [outputs]
};

class Mlp {
 public:
  Mlp() = default;
  // Widths between inputs and outputs; swish after each layer, after the last only if
  // `final_activation`.
  Mlp(Parameters& parameters, const std::string& name, int64_t inputs,
      const std::vector<int64_t>& hidden, int64_t outputs, bool final_activation);

  // x [B, inputs] -> [B, outputs]. `addend` [B, width of the first layer], if defined, is added to
  // what the first layer gives, before its activation: the part of further inputs.
  at::Tensor per_sample(at::Tensor x, const at::Tensor& addend = {}) const;

 private:
  std::vector<Linear> layers_;
  bool final_activation_ = false;
};

}  // namespace onefold
