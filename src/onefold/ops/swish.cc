// SPDX-License-Identifier: Apache-2.0
#include "onefold/ops/swish.h"

#include <ATen/Dispatch.h>
#include <ATen/Parallel.h>
#include <ATen/ops/empty_like.h>
#include <torch/csrc/autograd/custom_function.h>

namespace onefold {
namespace {

constexpr int64_t kGrain = 1 << 14;

class Swish : public torch::autograd::Function<Swish> {
 public:
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& input) {
    const at::Tensor x = input.contiguous();
    context->save_for_backward({x});
    const at::Tensor out = at::empty_like(x);
    AT_DISPATCH_FLOATING_TYPES(x.scalar_type(), "swish", [&] {
      const scalar_t* from = x.const_data_ptr<scalar_t>();
      scalar_t* to = out.mutable_data_ptr<scalar_t>();
      at::parallel_for(0, x.numel(), kGrain, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) to[i] = swish(from[i]);
      });
    });
    return out;
  }

  static torch::autograd::tensor_list backward(torch::autograd::AutogradContext* context,
                                               torch::autograd::tensor_list grads) {
    const at::Tensor x = context->get_saved_variables()[0];
    const at::Tensor grad = grads[0].contiguous();
    const at::Tensor out = at::empty_like(x);
    AT_DISPATCH_FLOATING_TYPES(x.scalar_type(), "swish_backward", [&] {
      const scalar_t* from = x.const_data_ptr<scalar_t>();
      const scalar_t* g = grad.const_data_ptr<scalar_t>();
      scalar_t* to = out.mutable_data_ptr<scalar_t>();
      at::parallel_for(0, x.numel(), kGrain, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) to[i] = g[i] * swish_slope(algebraic_sign(from[i]));
      });
    });
    return {out};
  }
};

}  // namespace

at::Tensor swish(const at::Tensor& x) { return Swish::apply(x); }

}  // namespace onefold
