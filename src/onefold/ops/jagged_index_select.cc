// SPDX-License-Identifier: Apache-2.0
#include "onefold/ops/jagged_index_select.h"

#include <ATen/core/LegacyTypeDispatch.h>
#include <ATen/ops/empty.h>
#include <c10/core/DeviceGuard.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>

#include "onefold/kernels/jagged_index_select/jagged_index_select.h"
#include "onefold/ops/device.h"
#include "onefold/ops/find_op.h"

namespace onefold {
namespace {

using at::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::tensor_list;

// What both directions need besides the values, in the order of the schema.
struct Index {
  Tensor offsets;      // [K * R + 1]
  Tensor index;        // [B]
  Tensor out_offsets;  // [K * B + 1]
  Tensor row_members;  // [R + 1]
  Tensor members;      // [B]
};
using Signature = Tensor(const Tensor& values, const Tensor& offsets, const Tensor& index,
                         const Tensor& out_offsets, const Tensor& row_members,
                         const Tensor& members, c10::SymInt num_values);

Tensor call_select(const Tensor& values, const Index& i, c10::SymInt num_values) {
  static const auto op = find_op<Signature>("onefold::jagged_index_select");
  return op.call(values, i.offsets, i.index, i.out_offsets, i.row_members, i.members, num_values);
}

Tensor call_backward(const Tensor& values, const Index& i, c10::SymInt num_values) {
  static const auto op = find_op<Signature>("onefold::jagged_index_select_backward");
  return op.call(values, i.offsets, i.index, i.out_offsets, i.row_members, i.members, num_values);
}

JaggedSelection selection_of(const Tensor& values, const Index& i, int64_t num_out_values) {
  check_int32(i.offsets, values, "offsets");
  check_int32(i.index, values, "index");
  check_int32(i.out_offsets, values, "out_offsets");
  check_int32(i.row_members, values, "row_members");
  check_int32(i.members, values, "members");
  const int64_t num_rows = i.row_members.numel() - 1;
  const int64_t num_keys = num_rows > 0 ? (i.offsets.numel() - 1) / num_rows : 0;
  TORCH_CHECK(i.offsets.numel() == num_keys * num_rows + 1 &&
                  i.out_offsets.numel() == num_keys * i.index.numel() + 1,
              "onefold::jagged_index_select: ", i.offsets.numel(), " offsets and ",
              i.out_offsets.numel(), " out_offsets do not fit ", num_rows, " rows and an index of ",
              i.index.numel());
  return {i.offsets.const_data_ptr<int32_t>(),
          i.index.const_data_ptr<int32_t>(),
          i.members.const_data_ptr<int32_t>(),
          i.row_members.const_data_ptr<int32_t>(),
          i.out_offsets.const_data_ptr<int32_t>(),
          num_keys,
          num_rows,
          i.index.numel(),
          num_out_values};
}

Tensor with_values(const Tensor& like, int64_t num_values) {
  std::vector<int64_t> sizes = like.sizes().vec();
  sizes[0] = num_values;
  return at::empty(sizes, like.options());
}

int64_t value_size(const Tensor& values) {
  return c10::multiply_integers(values.sizes().begin() + 1, values.sizes().end());
}

Tensor select_run(const Tensor& values_any, const Tensor& offsets, const Tensor& index,
                  const Tensor& out_offsets, const Tensor& row_members, const Tensor& members,
                  int64_t num_out_values) {
  const c10::DeviceGuard guard(values_any.device());
  const Tensor values = values_any.contiguous();
  Tensor out = with_values(values, num_out_values);
  JaggedIndexSelectParams params;
  params.selection =
      selection_of(values, {offsets, index, out_offsets, row_members, members}, num_out_values);
  params.values = values.const_data_ptr();
  params.out = out.mutable_data_ptr();
  params.value_bytes = value_size(values) * static_cast<int64_t>(values.element_size());
  jagged_index_select(params, kernel_device(values));
  return out;
}

Tensor backward_run(const Tensor& grad_any, const Tensor& offsets, const Tensor& index,
                    const Tensor& out_offsets, const Tensor& row_members, const Tensor& members,
                    int64_t num_values) {
  const c10::DeviceGuard guard(grad_any.device());
  const Tensor grad = grad_any.contiguous();
  Tensor out = with_values(grad, num_values);
  JaggedIndexSelectBackwardParams params;
  params.selection =
      selection_of(grad, {offsets, index, out_offsets, row_members, members}, grad.size(0));
  params.grad_out = grad.const_data_ptr();
  params.grad_values = out.mutable_data_ptr();
  params.num_values = num_values;
  params.width = value_size(grad);
  params.type = scalar_type_of(grad, "the gradient of jagged_index_select");
  jagged_index_select_backward(params, kernel_device(grad));
  return out;
}

Tensor either_meta(const Tensor& values, const Tensor& offsets, const Tensor& index,
                   const Tensor& out_offsets, const Tensor& row_members, const Tensor& members,
                   c10::SymInt num_values) {
  std::vector<c10::SymInt> sizes = values.sym_sizes().vec();
  sizes[0] = num_values;
  return at::empty_symint(sizes, values.options());
}

using Call = Tensor(const Tensor&, const Index&, c10::SymInt);

// Each of the two is the other's gradient.
template <Call* call, Call* adjoint>
class Linear : public torch::autograd::Function<Linear<call, adjoint>> {
 public:
  static Tensor forward(AutogradContext* context, const Tensor& values, const Tensor& offsets,
                        const Tensor& index, const Tensor& out_offsets, const Tensor& row_members,
                        const Tensor& members, c10::SymInt num_values) {
    at::AutoDispatchBelowADInplaceOrView below;
    context->save_for_backward({offsets, index, out_offsets, row_members, members});
    context->saved_data["num_in"] = values.sym_size(0);
    return call(values, {offsets, index, out_offsets, row_members, members}, num_values);
  }

  static tensor_list backward(AutogradContext* context, tensor_list grads) {
    const auto s = context->get_saved_variables();
    return {
        adjoint(grads[0], {s[0], s[1], s[2], s[3], s[4]}, context->saved_data["num_in"].toSymInt()),
        Tensor(),
        Tensor(),
        Tensor(),
        Tensor(),
        Tensor(),
        Tensor()};
  }
};

template <Call* call, Call* adjoint>
Tensor autograd(const Tensor& values, const Tensor& offsets, const Tensor& index,
                const Tensor& out_offsets, const Tensor& row_members, const Tensor& members,
                c10::SymInt num_values) {
  return Linear<call, adjoint>::apply(values, offsets, index, out_offsets, row_members, members,
                                      num_values);
}

Tensor offsets_run(const Tensor& offsets, const Tensor& index, int64_t num_rows) {
  check_int32(offsets, index, "offsets");
  check_int32(index, index, "index");
  const c10::DeviceGuard guard(index.device());
  const Device device = kernel_device(index);
  JaggedSelection selection;
  selection.offsets = offsets.const_data_ptr<int32_t>();
  selection.index = index.const_data_ptr<int32_t>();
  selection.num_rows = num_rows;
  selection.num_keys = num_rows > 0 ? (offsets.numel() - 1) / num_rows : 0;
  selection.num_out_rows = index.numel();
  Tensor out = at::empty({selection.num_keys * selection.num_out_rows + 1}, index.options());
  const size_t bytes = jagged_select_offsets_workspace_bytes(selection, device);
  Tensor workspace = at::empty({static_cast<int64_t>(bytes)}, index.options().dtype(at::kByte));
  jagged_select_offsets(selection, out.mutable_data_ptr<int32_t>(), workspace.mutable_data_ptr(),
                        bytes, device);
  return out;
}

Tensor offsets_meta(const Tensor& offsets, const Tensor& index, c10::SymInt num_rows) {
  const c10::SymInt num_keys = (offsets.sym_numel() - 1) / num_rows;
  return at::empty_symint({num_keys * index.sym_numel() + 1}, index.options());
}

TORCH_LIBRARY_FRAGMENT(onefold, m) {
  m.def("jagged_select_offsets(Tensor offsets, Tensor index, SymInt num_rows) -> Tensor");
  m.def(
      "jagged_index_select(Tensor values, Tensor offsets, Tensor index, Tensor out_offsets, "
      "Tensor row_members, Tensor members, SymInt num_out_values) -> Tensor");
  m.def(
      "jagged_index_select_backward(Tensor grad_out, Tensor offsets, Tensor index, "
      "Tensor out_offsets, Tensor row_members, Tensor members, SymInt num_values) -> Tensor");
}
TORCH_LIBRARY_IMPL(onefold, CPU, m) {
  m.impl("jagged_select_offsets", offsets_run);
  m.impl("jagged_index_select", select_run);
  m.impl("jagged_index_select_backward", backward_run);
}
TORCH_LIBRARY_IMPL(onefold, CUDA, m) {
  m.impl("jagged_select_offsets", offsets_run);
  m.impl("jagged_index_select", select_run);
  m.impl("jagged_index_select_backward", backward_run);
}
TORCH_LIBRARY_IMPL(onefold, Meta, m) {
  m.impl("jagged_select_offsets", offsets_meta);
  m.impl("jagged_index_select", either_meta);
  m.impl("jagged_index_select_backward", either_meta);
}
TORCH_LIBRARY_IMPL(onefold, Autograd, m) {
  m.impl("jagged_index_select", autograd<call_select, call_backward>);
  m.impl("jagged_index_select_backward", autograd<call_backward, call_select>);
}

}  // namespace

at::Tensor jagged_select_offsets(const at::Tensor& offsets, const FoldIndex& fold) {
  static const auto op =
      find_op<Tensor(const Tensor&, const Tensor&, c10::SymInt)>("onefold::jagged_select_offsets");
  return op.call(offsets, fold.inverse_indices, fold.num_unique());
}

KeyedJagged jagged_index_select(const KeyedJagged& rows, const FoldIndex& fold,
                                const at::Tensor& out_offsets, int64_t num_out_values) {
  const Index index{rows.offsets, fold.inverse_indices, out_offsets, fold.csr.offsets,
                    fold.csr.members};
  return {call_select(rows.values, index, num_out_values), out_offsets};
}

}  // namespace onefold
