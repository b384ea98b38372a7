// SPDX-License-Identifier: Apache-2.0
// The optimizers' arithmetic for one element, shared by the CPU body and the CUDA kernel.
#pragma once

#include <cmath>

#include "onefold/kernels/device/host_device.h"
#include "onefold/kernels/device/stochastic_rounding.h"
#include "onefold/kernels/embedding/embedding.h"

namespace onefold {

// In double: 1 - 0.999 and 1 - 0.999^1 would lose three digits in float.
ONEFOLD_HOST_DEVICE OptimizerStep make_optimizer_step(float learning_rate, double eps, double beta1,
                                                      double beta2, int64_t step) {
  const double t = static_cast<double>(step);
  OptimizerStep s;
  s.learning_rate = learning_rate;
  s.eps = static_cast<float>(eps);
  s.beta1 = static_cast<float>(beta1);
  s.rest1 = static_cast<float>(1.0 - beta1);
  s.beta2 = static_cast<float>(beta2);
  s.rest2 = static_cast<float>(1.0 - beta2);
  s.correction1 = static_cast<float>(1.0 / (1.0 - pow(beta1, t)));
  s.correction2 = static_cast<float>(1.0 / (1.0 - pow(beta2, t)));
  s.step = static_cast<uint64_t>(step);
  return s;
}

// Each returns the new weight and updates the state it is given.
ONEFOLD_HOST_DEVICE float sgd(float weight, float gradient, const OptimizerStep& s) {
  return weight - s.learning_rate * gradient;
}

ONEFOLD_HOST_DEVICE float adagrad(float weight, float gradient, float& sum,
                                  const OptimizerStep& s) {
  sum += gradient * gradient;
  return weight - s.learning_rate * gradient / (sqrtf(sum) + s.eps);
}

// What a row-wise Adagrad row multiplies its gradient by.
ONEFOLD_HOST_DEVICE float row_wise_rate(float mean_square, float& sum, const OptimizerStep& s) {
  sum += mean_square;
  return s.learning_rate / (sqrtf(sum) + s.eps);
}

ONEFOLD_HOST_DEVICE float adam(float weight, float gradient, float& m, float& v,
                               const OptimizerStep& s) {
  m = s.beta1 * m + s.rest1 * gradient;
  v = s.beta2 * v + s.rest2 * gradient * gradient;
  return weight - s.learning_rate * (m * s.correction1) / (sqrtf(v * s.correction2) + s.eps);
}

}  // namespace onefold
