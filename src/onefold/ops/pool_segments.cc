// SPDX-License-Identifier: Apache-2.0
#include "onefold/ops/pool_segments.h"

#include <ATen/Dispatch.h>
#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <torch/csrc/autograd/custom_function.h>

#include "onefold/base/check.h"

namespace onefold {
namespace {

constexpr int64_t kGrainRows = 64;

template <typename T>
void pool(const T* values, int64_t width, int64_t length, T scale, T* out) {
  std::fill(out, out + width, T(0));
  for (int64_t i = 0; i < length; ++i) {
    for (int64_t d = 0; d < width; ++d) out[d] += values[i * width + d];
  }
  for (int64_t d = 0; d < width; ++d) out[d] *= scale;
}

at::Tensor pool_all(const at::Tensor& values, const at::Tensor& offsets, Pooling pooling) {
  const int64_t num_rows = offsets.size(0) - 1, width = values.size(1);
  at::Tensor out = at::empty({num_rows, width}, values.options());
  const int32_t* bounds = offsets.const_data_ptr<int32_t>();
  AT_DISPATCH_FLOATING_TYPES(values.scalar_type(), "pool_segments", [&] {
    const scalar_t* from = values.const_data_ptr<scalar_t>();
    scalar_t* to = out.mutable_data_ptr<scalar_t>();
    at::parallel_for(0, num_rows, kGrainRows, [&](int64_t begin, int64_t end) {
      for (int64_t row = begin; row < end; ++row) {
        const int64_t length = bounds[row + 1] - bounds[row];
        pool(from + bounds[row] * width, width, length,
             static_cast<scalar_t>(pooling_scale(pooling, length)), to + row * width);
      }
    });
  });
  return out;
}

at::Tensor spread_all(const at::Tensor& grad, const at::Tensor& offsets, Pooling pooling,
                      int64_t num_values) {
  const int64_t num_rows = offsets.size(0) - 1, width = grad.size(1);
  at::Tensor out = at::empty({num_values, width}, grad.options());
  const int32_t* bounds = offsets.const_data_ptr<int32_t>();
  AT_DISPATCH_FLOATING_TYPES(grad.scalar_type(), "pool_segments_backward", [&] {
    const scalar_t* from = grad.const_data_ptr<scalar_t>();
    scalar_t* to = out.mutable_data_ptr<scalar_t>();
    at::parallel_for(0, num_rows, kGrainRows, [&](int64_t begin, int64_t end) {
      for (int64_t row = begin; row < end; ++row) {
        const auto scale =
            static_cast<scalar_t>(pooling_scale(pooling, bounds[row + 1] - bounds[row]));
        for (int64_t i = bounds[row]; i < bounds[row + 1]; ++i) {
          for (int64_t d = 0; d < width; ++d) to[i * width + d] = from[row * width + d] * scale;
        }
      }
    });
  });
  return out;
}

class PoolSegments : public torch::autograd::Function<PoolSegments> {
 public:
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& values,
                            const at::Tensor& offsets, int64_t pooling) {
    context->save_for_backward({offsets});
    context->saved_data["pooling"] = pooling;
    context->saved_data["num_values"] = values.size(0);
    return pool_all(values.contiguous(), offsets, static_cast<Pooling>(pooling));
  }

  static torch::autograd::tensor_list backward(torch::autograd::AutogradContext* context,
                                               torch::autograd::tensor_list grads) {
    const at::Tensor offsets = context->get_saved_variables()[0];
    const auto pooling = static_cast<Pooling>(context->saved_data["pooling"].toInt());
    return {spread_all(grads[0].contiguous(), offsets, pooling,
                       context->saved_data["num_values"].toInt()),
            at::Tensor(), at::Tensor()};
  }
};

}  // namespace

at::Tensor pool_segments(const at::Tensor& values, const at::Tensor& offsets, Pooling pooling) {
  ONEFOLD_CHECK(values.dim() == 2 && offsets.scalar_type() == at::kInt,
                "pool_segments takes values [N, D] and int32 offsets");
  return PoolSegments::apply(values, offsets, static_cast<int64_t>(pooling));
}

}  // namespace onefold
