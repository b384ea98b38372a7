// SPDX-License-Identifier: Apache-2.0
#include "onefold/ops/folded_attention.h"

#include <cmath>

#include <ATen/core/LegacyTypeDispatch.h>
#include <ATen/ops/empty.h>
#include <c10/core/DeviceGuard.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>

#include "onefold/kernels/folded_attention/folded_attention.h"
#include "onefold/ops/device.h"
#include "onefold/ops/find_op.h"

namespace onefold {
namespace {

using at::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::tensor_list;
using MaybeTensor = std::optional<Tensor>;
using Pair = std::tuple<Tensor, Tensor>;
using Triple = std::tuple<Tensor, Tensor, Tensor>;

using ForwardSignature = Pair(const Tensor& query, const Tensor& key, const Tensor& value,
                              const Tensor& key_offsets, const Tensor& sample_offsets,
                              const MaybeTensor& members, double scale, bool causal);
using BackwardSignature = Triple(const Tensor& grad_output, const Tensor& query, const Tensor& key,
                                 const Tensor& value, const Tensor& output, const Tensor& logsumexp,
                                 const Tensor& key_offsets, const Tensor& sample_offsets,
                                 const MaybeTensor& members, double scale, bool causal);

// Columns of a head, and heads, side by side: what the kernels can stride over.
Tensor with_dense_rows(const Tensor& tensor) {
  const bool dense = tensor.stride(2) == 1 && tensor.stride(1) == tensor.size(2);
  return dense || tensor.numel() == 0 ? tensor : tensor.contiguous();
}

void check_inputs(const Tensor& query, const Tensor& key, const Tensor& value,
                  const Tensor& key_offsets, const Tensor& sample_offsets,
                  const MaybeTensor& members) {
  TORCH_CHECK(query.dim() == 3 && key.dim() == 3 && key.sizes() == value.sizes() &&
                  key.size(1) == query.size(1) && key.size(2) == query.size(2),
              "onefold::folded_attention: expected query [B, H, D] and key, value [N, H, D], got ",
              query.sizes(), ", ", key.sizes(), " and ", value.sizes());
  TORCH_CHECK(key.scalar_type() == query.scalar_type() &&
                  value.scalar_type() == query.scalar_type() && key.device() == query.device() &&
                  value.device() == query.device(),
              "onefold::folded_attention: query, key and value differ in dtype or device");
  check_int32(key_offsets, query, "key_offsets");
  check_int32(sample_offsets, query, "sample_offsets");
  TORCH_CHECK(key_offsets.numel() >= 1 && key_offsets.numel() == sample_offsets.numel(),
              "onefold::folded_attention: key_offsets and sample_offsets need num_rows + 1 entries "
              "each, have ",
              key_offsets.numel(), " and ", sample_offsets.numel());
  if (!members) return;
  check_int32(*members, query, "members");
  TORCH_CHECK(members->numel() == query.size(0), "onefold::folded_attention: ", members->numel(),
              " members for ", query.size(0), " samples");
}

FoldedAttention shape_of(const Tensor& query, const Tensor& key, const Tensor& value,
                         const Tensor& key_offsets, const Tensor& sample_offsets,
                         const MaybeTensor& members, double scale, bool causal) {
  FoldedAttention shape;
  shape.type = scalar_type_of(query, "query");
  shape.num_rows = key_offsets.numel() - 1;
  shape.num_samples = query.size(0);
  shape.num_keys = key.size(0);
  shape.num_heads = static_cast<int32_t>(query.size(1));
  shape.head_dim = static_cast<int32_t>(query.size(2));
  shape.scale = scale;
  shape.causal = causal;
  shape.query_stride = query.stride(0);
  shape.key_stride = key.stride(0);
  shape.value_stride = value.stride(0);
  shape.key_offsets = key_offsets.const_data_ptr<int32_t>();
  shape.sample_offsets = sample_offsets.const_data_ptr<int32_t>();
  shape.samples = members ? members->const_data_ptr<int32_t>() : nullptr;
  return shape;
}

at::ScalarType sum_type(const Tensor& tensor) {
  return tensor.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
}

Pair forward_run(const Tensor& query_any, const Tensor& key_any, const Tensor& value_any,
                 const Tensor& key_offsets, const Tensor& sample_offsets,
                 const MaybeTensor& members, double scale, bool causal) {
  check_inputs(query_any, key_any, value_any, key_offsets, sample_offsets, members);
  const c10::DeviceGuard guard(query_any.device());
  const Tensor query = with_dense_rows(query_any), key = with_dense_rows(key_any),
               value = with_dense_rows(value_any);
  Tensor output =
      at::empty(query.sizes(), query.options().memory_format(at::MemoryFormat::Contiguous));
  Tensor logsumexp =
      at::empty({query.size(0), query.size(1)}, query.options().dtype(sum_type(query)));
  folded_attention(kernel_device(query),
                   shape_of(query, key, value, key_offsets, sample_offsets, members, scale, causal),
                   query.const_data_ptr(), key.const_data_ptr(), value.const_data_ptr(),
                   output.mutable_data_ptr(), logsumexp.mutable_data_ptr());
  return {output, logsumexp};
}

Triple backward_run(const Tensor& grad_output_any, const Tensor& query_any, const Tensor& key_any,
                    const Tensor& value_any, const Tensor& output, const Tensor& logsumexp,
                    const Tensor& key_offsets, const Tensor& sample_offsets,
                    const MaybeTensor& members, double scale, bool causal) {
  check_inputs(query_any, key_any, value_any, key_offsets, sample_offsets, members);
  const c10::DeviceGuard guard(query_any.device());
  const Tensor query = with_dense_rows(query_any), key = with_dense_rows(key_any),
               value = with_dense_rows(value_any), grad_output = grad_output_any.contiguous();
  Tensor grad_query = at::empty(query.sizes(), output.options());
  Tensor grad_key = at::empty(key.sizes(), output.options());
  Tensor grad_value = at::empty(key.sizes(), output.options());
  const FoldedAttention shape =
      shape_of(query, key, value, key_offsets, sample_offsets, members, scale, causal);
  const Device device = kernel_device(query);
  const auto bytes = static_cast<int64_t>(folded_attention_backward_workspace_bytes(device, shape));
  Tensor workspace = at::empty({bytes}, query.options().dtype(at::kByte));
  folded_attention_backward(
      device, shape,
      {query.const_data_ptr(), key.const_data_ptr(), value.const_data_ptr(),
       output.const_data_ptr(), logsumexp.const_data_ptr(), grad_output.const_data_ptr(),
       grad_query.mutable_data_ptr(), grad_key.mutable_data_ptr(), grad_value.mutable_data_ptr(),
       workspace.mutable_data_ptr()});
  return {grad_query, grad_key, grad_value};
}

Pair forward_meta(const Tensor& query, const Tensor& key, const Tensor& value,
                  const Tensor& key_offsets, const Tensor& sample_offsets,
                  const MaybeTensor& members, double scale, bool causal) {
  return {at::empty_symint(query.sym_sizes(), query.options()),
          at::empty_symint({query.sym_size(0), query.sym_size(1)},
                           query.options().dtype(sum_type(query)))};
}

Triple backward_meta(const Tensor& grad_output, const Tensor& query, const Tensor& key,
                     const Tensor& value, const Tensor& output, const Tensor& logsumexp,
                     const Tensor& key_offsets, const Tensor& sample_offsets,
                     const MaybeTensor& members, double scale, bool causal) {
  return {at::empty_symint(query.sym_sizes(), query.options()),
          at::empty_symint(key.sym_sizes(), query.options()),
          at::empty_symint(key.sym_sizes(), query.options())};
}

Pair call_forward(const Tensor& query, const Tensor& key, const Tensor& value,
                  const Tensor& key_offsets, const Tensor& sample_offsets,
                  const MaybeTensor& members, double scale, bool causal) {
  static const auto op = find_op<ForwardSignature>("onefold::_folded_attention");
  return op.call(query, key, value, key_offsets, sample_offsets, members, scale, causal);
}

class Attention : public torch::autograd::Function<Attention> {
 public:
  static tensor_list forward(AutogradContext* context, const Tensor& query, const Tensor& key,
                             const Tensor& value, const Tensor& key_offsets,
                             const Tensor& sample_offsets, const MaybeTensor& members, double scale,
                             bool causal) {
    at::AutoDispatchBelowADInplaceOrView below;
    auto [output, logsumexp] =
        call_forward(query, key, value, key_offsets, sample_offsets, members, scale, causal);
    context->save_for_backward({query, key, value, output, logsumexp, key_offsets, sample_offsets,
                                members.value_or(Tensor())});
    context->saved_data["scale"] = scale;
    context->saved_data["causal"] = causal;
    context->mark_non_differentiable({logsumexp});
    return {output, logsumexp};
  }

  static tensor_list backward(AutogradContext* context, tensor_list grads) {
    static const auto op = find_op<BackwardSignature>("onefold::_folded_attention_backward");
    const auto saved = context->get_saved_variables();
    const MaybeTensor members = saved[7].defined() ? MaybeTensor(saved[7]) : std::nullopt;
    auto [query, key, value] = op.call(
        grads[0], saved[0], saved[1], saved[2], saved[3], saved[4], saved[5], saved[6], members,
        context->saved_data["scale"].toDouble(), context->saved_data["causal"].toBool());
    return {query, key, value, Tensor(), Tensor(), Tensor(), Tensor(), Tensor()};
  }
};

Pair forward_autograd(const Tensor& query, const Tensor& key, const Tensor& value,
                      const Tensor& key_offsets, const Tensor& sample_offsets,
                      const MaybeTensor& members, double scale, bool causal) {
  const auto results =
      Attention::apply(query, key, value, key_offsets, sample_offsets, members, scale, causal);
  return {results[0], results[1]};
}

Tensor folded_attention_op(const Tensor& query, const Tensor& key, const Tensor& value,
                           const Tensor& key_offsets, const Tensor& sample_offsets,
                           const Tensor& members, std::optional<double> scale) {
  return attention::run(query, key, value, key_offsets, sample_offsets, members,
                        attention::scale_or_default(scale, query), false);
}

TORCH_LIBRARY_FRAGMENT(onefold, m) {
  m.def(
      "folded_attention(Tensor query, Tensor key, Tensor value, Tensor key_offsets, "
      "Tensor sample_offsets, Tensor members, *, float? scale=None) -> Tensor",
      folded_attention_op);
  m.def(
      "_folded_attention(Tensor query, Tensor key, Tensor value, Tensor key_offsets, "
      "Tensor sample_offsets, Tensor? members, float scale, bool causal) -> (Tensor output, "
      "Tensor logsumexp)");
  m.def(
      "_folded_attention_backward(Tensor grad_output, Tensor query, Tensor key, Tensor value, "
      "Tensor output, Tensor logsumexp, Tensor key_offsets, Tensor sample_offsets, "
      "Tensor? members, float scale, bool causal) -> (Tensor, Tensor, Tensor)");
}
TORCH_LIBRARY_IMPL(onefold, CPU, m) {
  m.impl("_folded_attention", forward_run);
  m.impl("_folded_attention_backward", backward_run);
}
TORCH_LIBRARY_IMPL(onefold, CUDA, m) {
  m.impl("_folded_attention", forward_run);
  m.impl("_folded_attention_backward", backward_run);
}
TORCH_LIBRARY_IMPL(onefold, Meta, m) {
  m.impl("_folded_attention", forward_meta);
  m.impl("_folded_attention_backward", backward_meta);
}
TORCH_LIBRARY_IMPL(onefold, Autograd, m) { m.impl("_folded_attention", forward_autograd); }

}  // namespace

namespace attention {

Tensor run(const Tensor& query, const Tensor& key, const Tensor& value, const Tensor& key_offsets,
           const Tensor& sample_offsets, const std::optional<Tensor>& members, double scale,
           bool causal) {
  return std::get<0>(
      call_forward(query, key, value, key_offsets, sample_offsets, members, scale, causal));
}

double scale_or_default(std::optional<double> scale, const Tensor& query) {
  return scale.value_or(1.0 / std::sqrt(static_cast<double>(query.size(-1))));
}

}  // namespace attention

Tensor folded_attention(const Tensor& query, const Tensor& key, const Tensor& value,
                        const Tensor& key_offsets, const FoldIndex& fold,
                        std::optional<double> scale) {
  return attention::run(query, key, value, key_offsets, fold.csr.offsets, fold.csr.members,
                        attention::scale_or_default(scale, query), false);
}

}  // namespace onefold
