// SPDX-License-Identifier: Apache-2.0
#include "onefold/model/linear.h"

#include <cmath>

#include <ATen/ops/linear.h>

#include "onefold/ops/row_linear.h"
#include "onefold/ops/swish.h"

namespace onefold {

Linear::Linear(Parameters& parameters, const std::string& name, int64_t inputs, int64_t outputs)
    : weight_(parameters.add_uniform(name + ".weight", {outputs, inputs},
                                     1.0 / std::sqrt(static_cast<double>(inputs)))),
      bias_(parameters.add_constant(name + ".bias", {outputs}, 0)) {}

at::Tensor Linear::per_sample(const at::Tensor& x) const { return at::linear(x, weight_, bias_); }
at::Tensor Linear::per_row(const at::Tensor& x) const { return row_linear(x, weight_, bias_); }

Mlp::Mlp(Parameters& parameters, const std::string& name, int64_t inputs,
         const std::vector<int64_t>& hidden, int64_t outputs, bool final_activation)
    : final_activation_(final_activation) {
  std::vector<int64_t> widths = hidden;
  widths.push_back(outputs);
  for (size_t i = 0; i < widths.size(); ++i) {
    layers_.emplace_back(parameters, name + "." + std::to_string(i), inputs, widths[i]);
    inputs = widths[i];
  }
}

at::Tensor Mlp::per_sample(at::Tensor x, const at::Tensor& addend) const {
  for (size_t i = 0; i < layers_.size(); ++i) {
    x = layers_[i].per_sample(x);
    if (i == 0 && addend.defined()) x = x.add(addend);
    if (final_activation_ || i + 1 < layers_.size()) x = swish(x);
  }
  return x;
}

}  // namespace onefold
