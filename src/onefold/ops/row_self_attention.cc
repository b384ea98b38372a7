// SPDX-License-Identifier: Apache-2.0
#include "onefold/ops/row_self_attention.h"

#include <ATen/ops/_scaled_dot_product_flash_attention_for_cpu.h>
#include <ATen/ops/_scaled_dot_product_flash_attention_for_cpu_backward.h>
#include <ATen/ops/empty.h>
#include <torch/csrc/autograd/custom_function.h>

#include "onefold/base/check.h"
#include "onefold/ops/task_parallel.h"

namespace onefold {
namespace {

// One row's [L, width] columns as [1, heads, L, width / heads], a view.
at::Tensor split_heads(const at::Tensor& values, int64_t heads) {
  const int64_t length = values.size(0), width = values.size(1);
  return values.as_strided({1, heads, length, width / heads},
                           {0, width / heads, values.stride(0), 1}, values.storage_offset());
}

struct RowView {
  at::Tensor q, k, v;  // [1, heads, L, D / heads]
};

RowView row_view(const at::Tensor& qkv, int64_t begin, int64_t length, int64_t heads) {
  const int64_t width = qkv.size(1) / 3;
  const at::Tensor row = qkv.narrow(0, begin, length);
  return {split_heads(row.narrow(1, 0, width), heads),
          split_heads(row.narrow(1, width, width), heads),
          split_heads(row.narrow(1, 2 * width, width), heads)};
}

// Log-sum-exp of a row: [1, heads, L] inside the flat [N * heads].
at::Tensor row_lse(const at::Tensor& lse, int64_t begin, int64_t length, int64_t heads) {
  return lse.narrow(0, begin * heads, length * heads).view({1, heads, length});
}

class RowSelfAttention : public torch::autograd::Function<RowSelfAttention> {
 public:
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& qkv_in,
                            const at::Tensor& offsets, int64_t heads) {
    const at::Tensor qkv = qkv_in.contiguous();
    const int64_t num_values = qkv.size(0), width = qkv.size(1) / 3;
    const at::Tensor out = at::empty({num_values, width}, qkv.options());
    const at::Tensor lse = at::empty({num_values * heads}, qkv.options());
    const int32_t* bounds = offsets.const_data_ptr<int32_t>();
    for_each_task(offsets.size(0) - 1, [&](int64_t u) {
      const int64_t begin = bounds[u], length = bounds[u + 1] - begin;
      if (length == 0) return;
      const RowView row = row_view(qkv, begin, length, heads);
      auto [attended, row_lse_out] =
          at::_scaled_dot_product_flash_attention_for_cpu(row.q, row.k, row.v);
      split_heads(out.narrow(0, begin, length), heads).copy_(attended);
      row_lse(lse, begin, length, heads).copy_(row_lse_out);
    });
    context->save_for_backward({qkv, offsets, out, lse});
    context->saved_data["heads"] = heads;
    return out;
  }

  static torch::autograd::tensor_list backward(torch::autograd::AutogradContext* context,
                                               torch::autograd::tensor_list grads) {
    const auto saved = context->get_saved_variables();
    const at::Tensor &qkv = saved[0], &offsets = saved[1], &out = saved[2], &lse = saved[3];
    const int64_t heads = context->saved_data["heads"].toInt();
    const at::Tensor grad = grads[0].contiguous();
    const at::Tensor grad_qkv = at::empty(qkv.sizes(), qkv.options());
    const int32_t* bounds = offsets.const_data_ptr<int32_t>();
    for_each_task(offsets.size(0) - 1, [&](int64_t u) {
      const int64_t begin = bounds[u], length = bounds[u + 1] - begin;
      if (length == 0) return;
      const RowView row = row_view(qkv, begin, length, heads);
      auto [grad_q, grad_k, grad_v] = at::_scaled_dot_product_flash_attention_for_cpu_backward(
          split_heads(grad.narrow(0, begin, length), heads), row.q, row.k, row.v,
          split_heads(out.narrow(0, begin, length), heads), row_lse(lse, begin, length, heads),
          /*dropout_p=*/0.0, /*is_causal=*/false);
      const RowView grad_row = row_view(grad_qkv, begin, length, heads);
      grad_row.q.copy_(grad_q);
      grad_row.k.copy_(grad_k);
      grad_row.v.copy_(grad_v);
    });
    return {grad_qkv, at::Tensor(), at::Tensor()};
  }
};

}  // namespace

at::Tensor row_self_attention(const at::Tensor& qkv, const at::Tensor& offsets, int64_t heads) {
  ONEFOLD_CHECK(qkv.dim() == 2 && heads > 0 && qkv.size(1) % (3 * heads) == 0,
                "row_self_attention takes qkv [N, 3 * D] with D a multiple of heads");
  return RowSelfAttention::apply(qkv, offsets, heads);
}

}  // namespace onefold
