// SPDX-License-Identifier: Apache-2.0
// Parameters: the dense weights of a model, by name; what Adam updates and checkpoints hold.
// (Embedding tables are apart: they get row-wise updates, model/embedding_table.h.)
#pragma once

#include <string>
#include <vector>

#include <ATen/core/Generator.h>
#include <ATen/core/TensorBody.h>

namespace onefold {

struct Parameter {
  std::string name;  // "top.0.weight"
  at::Tensor value;  // a leaf that requires a gradient
};

class Parameters {
 public:
  // Initial values depend on `seed` and on the order of the calls below only. float or double.
  explicit Parameters(uint64_t seed, at::ScalarType dtype = at::kFloat);

  // A new parameter, uniform in [-bound, bound] or all `value`.
  at::Tensor add_uniform(const std::string& name, at::IntArrayRef sizes, double bound);
  at::Tensor add_constant(const std::string& name, at::IntArrayRef sizes, double value);

  const std::vector<Parameter>& all() const { return all_; }
  at::Generator& generator() { return generator_; }
  at::ScalarType dtype() const { return dtype_; }
  int64_t num_values() const;

 private:
  at::Tensor add(const std::string& name, at::Tensor value);

  at::Generator generator_;
  at::ScalarType dtype_;
  std::vector<Parameter> all_;
};

}  // namespace onefold
