// SPDX-License-Identifier: Apache-2.0
#include "onefold/train/row_adagrad.h"

#include <cmath>

#include <ATen/Parallel.h>
#include <ATen/ops/zeros.h>

#include "onefold/base/check.h"

namespace onefold {

RowAdagrad::RowAdagrad(int64_t num_rows, const RowAdagradOptions& options)
    : options_(options), state_(at::zeros({num_rows}, at::kFloat)) {}

void RowAdagrad::update(const at::Tensor& weight, const at::Tensor& ids,
                        const at::Tensor& gradient) {
  ONEFOLD_CHECK(gradient.size(0) == ids.size(0) && gradient.size(1) == weight.size(1),
                "one gradient row per id");
  const at::Tensor rows = gradient.contiguous();
  const int64_t width = rows.size(1);
  const int64_t* row_of = ids.const_data_ptr<int64_t>();
  const float* g = rows.const_data_ptr<float>();
  float* w = weight.mutable_data_ptr<float>();
  float* state = state_.mutable_data_ptr<float>();
  const auto rate = static_cast<float>(options_.learning_rate);
  const auto epsilon = static_cast<float>(options_.epsilon);
  at::parallel_for(0, ids.size(0), 512, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const float* from = g + i * width;
      float* to = w + row_of[i] * width;
      float sum = 0;
      for (int64_t d = 0; d < width; ++d) sum += from[d] * from[d];
      float& accumulated = state[row_of[i]];
      accumulated += sum / static_cast<float>(width);
      const float scale = rate / (std::sqrt(accumulated) + epsilon);
      for (int64_t d = 0; d < width; ++d) to[d] -= scale * from[d];
    }
  });
}

}  // namespace onefold
