// SPDX-License-Identifier: Apache-2.0
#include "onefold/ops/din_attention.h"

#include <ATen/core/LegacyTypeDispatch.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>

#include "onefold/kernels/din_attention/din_attention.h"
#include "onefold/ops/device.h"
#include "onefold/ops/find_op.h"

namespace onefold {
namespace {

using at::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::tensor_list;

// What both ops take, in this order; the first seven have gradients.
#define ONEFOLD_DIN_ARGUMENTS                                                                \
  const Tensor &query, const Tensor &candidate, const Tensor &keys, const Tensor &user,      \
      const Tensor &product, const Tensor &score, const Tensor &bias, const Tensor &offsets, \
      const Tensor &sample_offsets, const Tensor &members
#define ONEFOLD_DIN_NAMES \
  query, candidate, keys, user, product, score, bias, offsets, sample_offsets, members

using Seven = std::tuple<Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor>;
using ForwardSignature = Tensor(ONEFOLD_DIN_ARGUMENTS);
using BackwardSignature = Seven(const Tensor& grad, ONEFOLD_DIN_ARGUMENTS);

void check_inputs(ONEFOLD_DIN_ARGUMENTS) {
  TORCH_CHECK(product.dim() == 2, "onefold::din_attention: product must be [H, D]");
  const int64_t hidden = product.size(0), width = product.size(1);
  const auto check = [&](const Tensor& tensor, at::IntArrayRef sizes, const char* what) {
    TORCH_CHECK(tensor.sizes() == sizes, "onefold::din_attention: expected ", what, " of shape ",
                sizes, ", got ", tensor.sizes());
    TORCH_CHECK(tensor.scalar_type() == query.scalar_type() && tensor.is_contiguous(),
                "onefold::din_attention: ", what, " must be contiguous and of the query's dtype");
  };
  check(query, {members.numel(), width}, "query");
  check(candidate, {members.numel(), hidden}, "candidate");
  check(keys, {keys.size(0), width}, "keys");
  check(user, {keys.size(0), hidden}, "user");
  check(product, {hidden, width}, "product");
  check(score, {hidden}, "score");
  check(bias, {1}, "bias");
  check_int32(offsets, query, "offsets");
  check_int32(sample_offsets, query, "sample_offsets");
  check_int32(members, query, "members");
  TORCH_CHECK(offsets.numel() == sample_offsets.numel(),
              "onefold::din_attention: offsets and sample_offsets need U + 1 entries each");
}

DinShape shape_of(ONEFOLD_DIN_ARGUMENTS) {
  return {scalar_type_of(query, "query"),
          offsets.numel() - 1,
          query.size(0),
          keys.size(0),
          product.size(1),
          product.size(0),
          offsets.const_data_ptr<int32_t>(),
          sample_offsets.const_data_ptr<int32_t>(),
          members.const_data_ptr<int32_t>()};
}

DinInputs inputs_of(ONEFOLD_DIN_ARGUMENTS) {
  return {query.const_data_ptr(), candidate.const_data_ptr(), keys.const_data_ptr(),
          user.const_data_ptr(),  product.const_data_ptr(),   score.const_data_ptr(),
          bias.const_data_ptr()};
}

Tensor bytes(const Tensor& like, size_t size) {
  return at::empty({static_cast<int64_t>(size)}, like.options().dtype(at::kByte));
}

Tensor forward_run(ONEFOLD_DIN_ARGUMENTS) {
  check_inputs(ONEFOLD_DIN_NAMES);
  const DinShape shape = shape_of(ONEFOLD_DIN_NAMES);
  Tensor out = at::empty_like(query);
  Tensor workspace = bytes(query, din_attention_workspace_bytes(shape));
  din_attention(kernel_device(query), shape, inputs_of(ONEFOLD_DIN_NAMES), out.mutable_data_ptr(),
                workspace.mutable_data_ptr());
  return out;
}

Seven backward_run(const Tensor& grad_any, ONEFOLD_DIN_ARGUMENTS) {
  check_inputs(ONEFOLD_DIN_NAMES);
  const DinShape shape = shape_of(ONEFOLD_DIN_NAMES);
  const Tensor grad = grad_any.contiguous();
  const Seven out = {at::empty_like(query), at::empty_like(candidate), at::empty_like(keys),
                     at::empty_like(user),  at::empty_like(product),   at::empty_like(score),
                     at::empty_like(bias)};
  Tensor workspace = bytes(query, din_attention_backward_workspace_bytes(shape));
  din_attention_backward(kernel_device(query), shape, inputs_of(ONEFOLD_DIN_NAMES),
                         {grad.const_data_ptr(), std::get<0>(out).mutable_data_ptr(),
                          std::get<1>(out).mutable_data_ptr(), std::get<2>(out).mutable_data_ptr(),
                          std::get<3>(out).mutable_data_ptr(), std::get<4>(out).mutable_data_ptr(),
                          std::get<5>(out).mutable_data_ptr(), std::get<6>(out).mutable_data_ptr()},
                         workspace.mutable_data_ptr());
  return out;
}

Tensor forward_meta(ONEFOLD_DIN_ARGUMENTS) { return at::empty_like(query); }

Seven backward_meta(const Tensor& grad, ONEFOLD_DIN_ARGUMENTS) {
  return {at::empty_like(query), at::empty_like(candidate), at::empty_like(keys),
          at::empty_like(user),  at::empty_like(product),   at::empty_like(score),
          at::empty_like(bias)};
}

Tensor call_forward(ONEFOLD_DIN_ARGUMENTS) {
  static const auto op = find_op<ForwardSignature>("onefold::din_attention");
  return op.call(ONEFOLD_DIN_NAMES);
}

class DinAttention : public torch::autograd::Function<DinAttention> {
 public:
  static Tensor forward(AutogradContext* context, ONEFOLD_DIN_ARGUMENTS) {
    at::AutoDispatchBelowADInplaceOrView below;
    context->save_for_backward({ONEFOLD_DIN_NAMES});
    return call_forward(ONEFOLD_DIN_NAMES);
  }

  static tensor_list backward(AutogradContext* context, tensor_list grads) {
    static const auto op = find_op<BackwardSignature>("onefold::din_attention_backward");
    const auto s = context->get_saved_variables();
    auto [query, candidate, keys, user, product, score, bias] =
        op.call(grads[0], s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7], s[8], s[9]);
    return {query, candidate, keys, user, product, score, bias, Tensor(), Tensor(), Tensor()};
  }
};

Tensor forward_autograd(ONEFOLD_DIN_ARGUMENTS) { return DinAttention::apply(ONEFOLD_DIN_NAMES); }

TORCH_LIBRARY_FRAGMENT(onefold, m) {
  m.def(
      "din_attention(Tensor query, Tensor candidate, Tensor keys, Tensor user, Tensor product, "
      "Tensor score, Tensor bias, Tensor offsets, Tensor sample_offsets, Tensor members) -> "
      "Tensor");
  m.def(
      "din_attention_backward(Tensor grad, Tensor query, Tensor candidate, Tensor keys, "
      "Tensor user, Tensor product, Tensor score, Tensor bias, Tensor offsets, "
      "Tensor sample_offsets, Tensor members) -> (Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, "
      "Tensor)");
}
TORCH_LIBRARY_IMPL(onefold, CPU, m) {
  m.impl("din_attention", forward_run);
  m.impl("din_attention_backward", backward_run);
}
TORCH_LIBRARY_IMPL(onefold, Meta, m) {
  m.impl("din_attention", forward_meta);
  m.impl("din_attention_backward", backward_meta);
}
TORCH_LIBRARY_IMPL(onefold, Autograd, m) { m.impl("din_attention", forward_autograd); }

}  // namespace

Tensor din_attention(const DinInput& input) {
  return call_forward(input.query.contiguous(), input.candidate_half.contiguous(),
                      input.keys.contiguous(), input.user_half.contiguous(),
                      input.product.contiguous(), input.score.contiguous(), input.score_bias,
                      input.offsets, input.fold.csr.offsets, input.fold.csr.members);
}

}  // namespace onefold
