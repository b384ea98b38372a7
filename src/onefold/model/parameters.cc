// SPDX-License-Identifier: Apache-2.0
#include "onefold/model/parameters.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>

#include "onefold/base/check.h"

namespace onefold {

Parameters::Parameters(uint64_t seed, at::ScalarType dtype)
    : generator_(at::detail::createCPUGenerator(seed)), dtype_(dtype) {}

at::Tensor Parameters::add_uniform(const std::string& name, at::IntArrayRef sizes, double bound) {
  // Drawn in float whatever the dtype: a double model starts at the float model's values.
  return add(name, at::empty(sizes, at::kFloat).uniform_(-bound, bound, generator_).to(dtype_));
}

at::Tensor Parameters::add_constant(const std::string& name, at::IntArrayRef sizes, double value) {
  return add(name, at::full(sizes, value, dtype_));
}

int64_t Parameters::num_values() const {
  int64_t total = 0;
  for (const Parameter& parameter : all_) total += parameter.value.numel();
  return total;
}

at::Tensor Parameters::add(const std::string& name, at::Tensor value) {
  for (const Parameter& other : all_) {
    ONEFOLD_CHECK(other.name != name, "two parameters are named '" + name + "'");
  }
  value.set_requires_grad(true);
  all_.push_back({name, value});
  return value;
}

}  // namespace onefold
