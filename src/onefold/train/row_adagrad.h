// SPDX-License-Identifier: Apache-2.0
// Row-wise Adagrad for one embedding table: one accumulator per row, so that the state is 1 / dim
// of the table (as FBGEMM's `rowwise_adagrad`).
//
//   s[row] += mean over d of g[d]²          w[row] -= rate * g / (sqrt(s[row]) + epsilon)
#pragma once

#include <ATen/core/TensorBody.h>

namespace onefold {

struct RowAdagradOptions {
  double learning_rate = 0.02;
  double epsilon = 1e-8;
};

class RowAdagrad {
 public:
  RowAdagrad(int64_t num_rows, const RowAdagradOptions& options);

  // weight[ids[i]] gets gradient[i], already summed over the batch. Only these rows are touched.
  //   weight float [rows, D], ids int64 [R] all different, gradient float [R, D]
  void update(const at::Tensor& weight, const at::Tensor& ids, const at::Tensor& gradient);

  const at::Tensor& state() const { return state_; }  // float [rows], a shared handle

 private:
  RowAdagradOptions options_;
  at::Tensor state_;
};

}  // namespace onefold
