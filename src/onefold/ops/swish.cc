// SPDX-License-Identifier: Apache-2.0
#include "onefold/ops/swish.h"

#include <ATen/ops/empty_like.h>
#include <torch/csrc/autograd/custom_function.h>

#include "onefold/kernels/swish/swish.h"
#include "onefold/ops/device.h"

namespace onefold {
namespace {

class Swish : public torch::autograd::Function<Swish> {
 public:
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& input) {
    const at::Tensor x = input.contiguous();
    context->save_for_backward({x});
    const at::Tensor out = at::empty_like(x);
    swish(kernel_device(x), scalar_type_of(x, "x"), x.const_data_ptr(), out.mutable_data_ptr(),
          x.numel());
    return out;
  }

  static torch::autograd::tensor_list backward(torch::autograd::AutogradContext* context,
                                               torch::autograd::tensor_list grads) {
    const at::Tensor x = context->get_saved_variables()[0];
    const at::Tensor grad = grads[0].contiguous();
    const at::Tensor out = at::empty_like(x);
    swish_backward(kernel_device(x), scalar_type_of(x, "x"), x.const_data_ptr(),
                   grad.const_data_ptr(), out.mutable_data_ptr(), x.numel());
    return {out};
  }
};

}  // namespace

at::Tensor swish(const at::Tensor& x) { return Swish::apply(x); }

}  // namespace onefold
