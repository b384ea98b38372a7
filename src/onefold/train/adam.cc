// SPDX-License-Identifier: Apache-2.0
#include "onefold/train/adam.h"

#include <cmath>

#include <ATen/Parallel.h>
#include <ATen/ops/zeros_like.h>

#include "onefold/base/check.h"

namespace onefold {

Adam::Adam(const std::vector<Parameter>& parameters, const AdamOptions& options)
    : options_(options) {
  for (const Parameter& parameter : parameters) {
    ONEFOLD_CHECK(parameter.value.scalar_type() == at::kFloat, "Adam updates float parameters");
    const at::Tensor zeros = at::zeros_like(parameter.value.detach());
    slots_.push_back({parameter.name, parameter.value, zeros, zeros.clone()});
  }
}

void Adam::step() {
  ++steps_;
  for (Slot& slot : slots_) {
    if (!slot.value.grad().defined()) continue;
    update(slot);
    slot.value.mutable_grad() = at::Tensor();
  }
}

void Adam::update(Slot& slot) const {
  const at::Tensor grad = slot.value.grad().contiguous();
  const float* g = grad.const_data_ptr<float>();
  float* w = slot.value.mutable_data_ptr<float>();
  float* m = slot.mean.mutable_data_ptr<float>();
  float* v = slot.variance.mutable_data_ptr<float>();
  const auto beta1 = static_cast<float>(options_.beta1), beta2 = static_cast<float>(options_.beta2);
  const double steps = static_cast<double>(steps_);
  const auto rate =
      static_cast<float>(options_.learning_rate / (1 - std::pow(options_.beta1, steps)));
  const auto correction = static_cast<float>(1 / std::sqrt(1 - std::pow(options_.beta2, steps)));
  const auto epsilon = static_cast<float>(options_.epsilon);
  at::parallel_for(0, grad.numel(), 1 << 14, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      m[i] = beta1 * m[i] + (1 - beta1) * g[i];
      v[i] = beta2 * v[i] + (1 - beta2) * g[i] * g[i];
      w[i] -= rate * m[i] / (std::sqrt(v[i]) * correction + epsilon);
    }
  });
}

std::vector<Parameter> Adam::state() const {
  std::vector<Parameter> state;
  for (const Slot& slot : slots_) {
    state.push_back({"adam.m." + slot.name, slot.mean});
    state.push_back({"adam.v." + slot.name, slot.variance});
  }
  return state;
}

}  // namespace onefold
