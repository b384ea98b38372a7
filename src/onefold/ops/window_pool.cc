// SPDX-License-Identifier: Apache-2.0
#include "onefold/ops/window_pool.h"

#include <ATen/core/LegacyTypeDispatch.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/diff.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>
#include <c10/core/DeviceGuard.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>

#include "onefold/kernels/window_pool/window_pool.h"
#include "onefold/ops/device.h"
#include "onefold/ops/find_op.h"

namespace onefold {
namespace {

using at::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::tensor_list;

using ForwardSignature = Tensor(const Tensor& values, const Tensor& row_offsets,
                                const Tensor& starts, const Tensor& lengths,
                                const Tensor& inverse_indices, const Tensor& offsets,
                                const Tensor& members, bool mean);
using BackwardSignature = Tensor(const Tensor& grad, const Tensor& row_offsets,
                                 const Tensor& starts, const Tensor& lengths,
                                 const Tensor& inverse_indices, const Tensor& offsets,
                                 const Tensor& members, bool mean, c10::SymInt num_values);

WindowPool shape_of(const Tensor& like, const Tensor& row_offsets, const Tensor& starts,
                    const Tensor& lengths, const Tensor& inverse_indices, const Tensor& offsets,
                    const Tensor& members, bool mean, int64_t num_values) {
  check_int32(row_offsets, like, "row_offsets");
  check_int32(starts, like, "starts");
  check_int32(lengths, like, "lengths");
  check_int32(inverse_indices, like, "inverse_indices");
  check_int32(offsets, like, "offsets");
  check_int32(members, like, "members");
  const int64_t num_windows = inverse_indices.numel();
  TORCH_CHECK(
      starts.numel() == num_windows && lengths.numel() == num_windows &&
          members.numel() == num_windows,
      "onefold::window_pool: starts, lengths, inverse_indices and members differ in length");
  TORCH_CHECK(row_offsets.numel() >= 1 && row_offsets.numel() == offsets.numel(),
              "onefold::window_pool: row_offsets and offsets need num_rows + 1 entries each, have ",
              row_offsets.numel(), " and ", offsets.numel());
  WindowPool shape;
  shape.type = scalar_type_of(like, "values");
  shape.mean = mean;
  shape.width = c10::multiply_integers(like.sizes().begin() + 1, like.sizes().end());
  shape.num_values = num_values;
  shape.num_rows = row_offsets.numel() - 1;
  shape.num_windows = num_windows;
  shape.row_offsets = row_offsets.const_data_ptr<int32_t>();
  shape.rows = inverse_indices.const_data_ptr<int32_t>();
  shape.starts = starts.const_data_ptr<int32_t>();
  shape.lengths = lengths.const_data_ptr<int32_t>();
  shape.window_offsets = offsets.const_data_ptr<int32_t>();
  shape.members = members.const_data_ptr<int32_t>();
  return shape;
}

std::vector<c10::SymInt> sizes_with_rows(const Tensor& like, c10::SymInt num_rows) {
  std::vector<c10::SymInt> sizes = like.sym_sizes().vec();
  sizes[0] = std::move(num_rows);
  return sizes;
}

Tensor forward_run(const Tensor& values_any, const Tensor& row_offsets, const Tensor& starts,
                   const Tensor& lengths, const Tensor& inverse_indices, const Tensor& offsets,
                   const Tensor& members, bool mean) {
  const c10::DeviceGuard guard(values_any.device());
  const Tensor values = values_any.contiguous();
  const WindowPool shape = shape_of(values, row_offsets, starts, lengths, inverse_indices, offsets,
                                    members, mean, values.size(0));
  Tensor prefix =
      at::empty({num_window_blocks(shape), shape.width}, values.options().dtype(at::kDouble));
  Tensor pooled = at::empty_symint(sizes_with_rows(values, shape.num_windows), values.options());
  window_pool(kernel_device(values), shape, values.const_data_ptr(),
              prefix.mutable_data_ptr<double>(), pooled.mutable_data_ptr());
  return pooled;
}

Tensor backward_run(const Tensor& grad_any, const Tensor& row_offsets, const Tensor& starts,
                    const Tensor& lengths, const Tensor& inverse_indices, const Tensor& offsets,
                    const Tensor& members, bool mean, int64_t num_values) {
  const c10::DeviceGuard guard(grad_any.device());
  const Tensor grad = grad_any.contiguous();
  const WindowPool shape = shape_of(grad, row_offsets, starts, lengths, inverse_indices, offsets,
                                    members, mean, num_values);
  Tensor grad_values = at::empty_symint(sizes_with_rows(grad, num_values), grad.options());
  window_pool_backward(kernel_device(grad), shape, grad.const_data_ptr(),
                       grad_values.mutable_data_ptr());
  return grad_values;
}

Tensor forward_meta(const Tensor& values, const Tensor& row_offsets, const Tensor& starts,
                    const Tensor& lengths, const Tensor& inverse_indices, const Tensor& offsets,
                    const Tensor& members, bool mean) {
  return at::empty_symint(sizes_with_rows(values, inverse_indices.sym_numel()), values.options());
}

Tensor backward_meta(const Tensor& grad, const Tensor& row_offsets, const Tensor& starts,
                     const Tensor& lengths, const Tensor& inverse_indices, const Tensor& offsets,
                     const Tensor& members, bool mean, c10::SymInt num_values) {
  return at::empty_symint(sizes_with_rows(grad, std::move(num_values)), grad.options());
}

Tensor call_forward(const Tensor& values, const Tensor& row_offsets, const Tensor& starts,
                    const Tensor& lengths, const Tensor& inverse_indices, const Tensor& offsets,
                    const Tensor& members, bool mean) {
  static const auto op = find_op<ForwardSignature>("onefold::window_pool");
  return op.call(values, row_offsets, starts, lengths, inverse_indices, offsets, members, mean);
}

class Pool : public torch::autograd::Function<Pool> {
 public:
  static Tensor forward(AutogradContext* context, const Tensor& values, const Tensor& row_offsets,
                        const Tensor& starts, const Tensor& lengths, const Tensor& inverse_indices,
                        const Tensor& offsets, const Tensor& members, bool mean) {
    at::AutoDispatchBelowADInplaceOrView below;
    context->save_for_backward({row_offsets, starts, lengths, inverse_indices, offsets, members});
    context->saved_data["mean"] = mean;
    context->saved_data["num_values"] = values.sym_size(0);
    return call_forward(values, row_offsets, starts, lengths, inverse_indices, offsets, members,
                        mean);
  }

  static tensor_list backward(AutogradContext* context, tensor_list grads) {
    static const auto op = find_op<BackwardSignature>("onefold::window_pool_backward");
    const auto s = context->get_saved_variables();
    const Tensor grad =
        op.call(grads[0], s[0], s[1], s[2], s[3], s[4], s[5], context->saved_data["mean"].toBool(),
                context->saved_data["num_values"].toSymInt());
    tensor_list none(7);
    none.insert(none.begin(), grad);
    return none;
  }
};

Tensor forward_autograd(const Tensor& values, const Tensor& row_offsets, const Tensor& starts,
                        const Tensor& lengths, const Tensor& inverse_indices, const Tensor& offsets,
                        const Tensor& members, bool mean) {
  return Pool::apply(values, row_offsets, starts, lengths, inverse_indices, offsets, members, mean);
}

TORCH_LIBRARY_FRAGMENT(onefold, m) {
  m.def(
      "window_pool(Tensor values, Tensor row_offsets, Tensor starts, Tensor lengths, "
      "Tensor inverse_indices, Tensor offsets, Tensor members, bool mean) -> Tensor");
  m.def(
      "window_pool_backward(Tensor grad, Tensor row_offsets, Tensor starts, Tensor lengths, "
      "Tensor inverse_indices, Tensor offsets, Tensor members, bool mean, SymInt num_values) -> "
      "Tensor");
}
TORCH_LIBRARY_IMPL(onefold, CPU, m) {
  m.impl("window_pool", forward_run);
  m.impl("window_pool_backward", backward_run);
}
TORCH_LIBRARY_IMPL(onefold, CUDA, m) {
  m.impl("window_pool", forward_run);
  m.impl("window_pool_backward", backward_run);
}
TORCH_LIBRARY_IMPL(onefold, Meta, m) {
  m.impl("window_pool", forward_meta);
  m.impl("window_pool_backward", backward_meta);
}
TORCH_LIBRARY_IMPL(onefold, Autograd, m) { m.impl("window_pool", forward_autograd); }

}  // namespace

Tensor window_pool(const Tensor& values, const Tensor& row_offsets, const Tensor& starts,
                   const Tensor& lengths, const FoldIndex& fold, bool mean) {
  return call_forward(values, row_offsets, starts, lengths, fold.inverse_indices, fold.csr.offsets,
                      fold.csr.members, mean);
}

Tensor pool_rows(const Tensor& values, const Tensor& row_offsets, Pooling pooling) {
  const int64_t num_rows = row_offsets.size(0) - 1;
  const Tensor numbers = at::arange(num_rows + 1, row_offsets.options());
  const Tensor rows = numbers.narrow(0, 0, num_rows);
  return window_pool(values, row_offsets, at::zeros({num_rows}, row_offsets.options()),
                     row_offsets.diff(), {rows, {numbers, rows}}, pooling == Pooling::kMean);
}

}  // namespace onefold
