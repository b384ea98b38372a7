// SPDX-License-Identifier: Apache-2.0
// For op tests: gradients against finite differences in float64, on any device.
#pragma once

#include <functional>
#include <vector>

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

namespace onefold {

inline bool has_device(at::DeviceType type) { return type == at::kCPU || at::hasCUDA(); }

// First line of a test that runs on `type`.
#define ONEFOLD_SKIP_WITHOUT_TORCH_DEVICE(type) \
  if (!::onefold::has_device(type)) GTEST_SKIP() << "Torch has no CUDA device"

// Compares the gradients of <weights, function(inputs)> in every element of every input with
// central differences. REQUIRES: float64 inputs.
inline void check_gradients(
    const std::function<at::Tensor(const std::vector<at::Tensor>&)>& function,
    std::vector<at::Tensor> inputs, double step = 1e-5, double tolerance = 1e-6) {
  for (at::Tensor& input : inputs) input.requires_grad_(true);
  const at::Tensor out = function(inputs);
  const at::Tensor weights = at::randn_like(out);
  const auto gradients = torch::autograd::grad({(out * weights).sum()}, inputs);
  for (size_t i = 0; i < inputs.size(); ++i) {
    const at::Tensor numeric = at::zeros(inputs[i].sizes(), at::kDouble);
    at::Tensor flat = inputs[i].detach().reshape({-1});  // shares memory with the input
    for (int64_t j = 0; j < flat.numel(); ++j) {
      const double value = flat[j].item<double>();
      flat[j].fill_(value + step);
      const double above = (function(inputs).detach() * weights).sum().item<double>();
      flat[j].fill_(value - step);
      const double below = (function(inputs).detach() * weights).sum().item<double>();
      flat[j].fill_(value);
      numeric.view({-1})[j].fill_((above - below) / (2 * step));
    }
    EXPECT_TRUE(at::allclose(gradients[i].cpu(), numeric, tolerance, tolerance))
        << "input " << i << "\nautograd\n"
        << gradients[i].cpu() << "\nfinite differences\n"
        << numeric;
  }
}

}  // namespace onefold
