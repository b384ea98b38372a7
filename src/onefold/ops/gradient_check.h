// SPDX-License-Identifier: Apache-2.0
// For tests: autograd's gradient against central differences, in float64.
#pragma once

#include <algorithm>
#include <cmath>
#include <functional>
#include <initializer_list>
#include <vector>

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include "onefold/ops/int32_tensor.h"

namespace onefold {

using TensorFunction = std::function<at::Tensor(const std::vector<at::Tensor>&)>;

// The largest |autograd - difference quotient| over every element of every double input, of the sum
// of f(inputs) weighted by cos(1), cos(2), ..., so that no two outputs count alike.
inline double gradient_error(const TensorFunction& f, std::vector<at::Tensor> inputs,
                             double step = 1e-5) {
  auto weighted = [&] {
    const at::Tensor out = f(inputs);
    const at::Tensor weights = at::arange(1, out.numel() + 1, at::kDouble).cos();
    return (out.reshape({-1}) * weights).sum();
  };
  for (at::Tensor& input : inputs) input = input.clone().set_requires_grad(true);
  weighted().backward();
  double worst = 0;
  for (at::Tensor& input : inputs) {
    const at::Tensor grad =
        input.grad().defined() ? input.grad().contiguous() : at::zeros_like(input).detach();
    double* values = input.mutable_data_ptr<double>();
    for (int64_t i = 0; i < input.numel(); ++i) {
      const double value = values[i];
      values[i] = value + step;
      const double above = weighted().item<double>();
      values[i] = value - step;
      const double below = weighted().item<double>();
      values[i] = value;
      const double difference = (above - below) / (2 * step);
      worst = std::max(worst, std::fabs(difference - grad.const_data_ptr<double>()[i]));
    }
  }
  return worst;
}

// Written down in a test: int32_tensor({0, 2, 2}).
inline at::Tensor int32_tensor(std::initializer_list<int32_t> values) {
  return int32_tensor(std::span(values.begin(), values.size()));
}

}  // namespace onefold
