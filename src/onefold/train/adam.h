// SPDX-License-Identifier: Apache-2.0
// Adam (Kingma and Ba 2015, arXiv 1412.6980) for the dense parameters.
#pragma once

#include <vector>

#include <ATen/core/TensorBody.h>

#include "onefold/model/parameters.h"

namespace onefold {

struct AdamOptions {
  double learning_rate = 1e-3;
  double beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8;
};

class Adam {
 public:
  // Keeps handles to the parameters' values. float only.
  Adam(const std::vector<Parameter>& parameters, const AdamOptions& options);

  // Updates every parameter that has a gradient, and drops the gradients.
  void step();

  // State for checkpoints: "adam.m.<name>", "adam.v.<name>" (shared handles) and the step count.
  std::vector<Parameter> state() const;
  int64_t steps() const { return steps_; }
  void set_steps(int64_t steps) { steps_ = steps; }

 private:
  struct Slot {
    std::string name;
    at::Tensor value, mean, variance;
  };
  void update(Slot& slot) const;

  AdamOptions options_;
  std::vector<Slot> slots_;
  int64_t steps_ = 0;
};

}  // namespace onefold
