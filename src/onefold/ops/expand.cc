// SPDX-License-Identifier: Apache-2.0
#include "onefold/ops/expand.h"

#include <ATen/core/LegacyTypeDispatch.h>
#include <ATen/ops/empty.h>
#include <c10/core/DeviceGuard.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>

#include "onefold/kernels/expand/expand.h"
#include "onefold/ops/device.h"
#include "onefold/ops/find_op.h"

namespace onefold {
namespace {

using at::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::tensor_list;
using Signature = Tensor(const Tensor& rows, const Tensor& inverse_indices, const Tensor& offsets,
                         const Tensor& members);

Tensor call_expand(const Tensor& unique, const Tensor& inverse_indices, const Tensor& offsets,
                   const Tensor& members) {
  static const auto op = find_op<Signature>("onefold::expand");
  return op.call(unique, inverse_indices, offsets, members);
}

Tensor call_backward(const Tensor& rows, const Tensor& inverse_indices, const Tensor& offsets,
                     const Tensor& members) {
  static const auto op = find_op<Signature>("onefold::expand_backward");
  return op.call(rows, inverse_indices, offsets, members);
}

void check_index(const Tensor& rows, int64_t num_rows, const Tensor& inverse_indices,
                 const Tensor& offsets, const Tensor& members) {
  check_int32(inverse_indices, rows, "inverse_indices");
  check_int32(offsets, rows, "offsets");
  check_int32(members, rows, "members");
  TORCH_CHECK(rows.dim() >= 1 && rows.size(0) == num_rows, "onefold::expand: expected ", num_rows,
              " rows, got a tensor of shape ", rows.sizes());
  TORCH_CHECK(members.numel() == inverse_indices.numel(),
              "onefold::expand: members and inverse_indices differ in length");
}

Tensor with_rows(const Tensor& like, int64_t num_rows) {
  std::vector<int64_t> sizes = like.sizes().vec();
  sizes[0] = num_rows;
  return at::empty(sizes, like.options());
}

int64_t row_size(const Tensor& rows) {
  return c10::multiply_integers(rows.sizes().begin() + 1, rows.sizes().end());
}

Tensor expand_run(const Tensor& unique_any, const Tensor& inverse_indices, const Tensor& offsets,
                  const Tensor& members) {
  check_index(unique_any, offsets.numel() - 1, inverse_indices, offsets, members);
  const c10::DeviceGuard guard(unique_any.device());
  const Tensor unique = unique_any.contiguous();
  Tensor out = with_rows(unique, inverse_indices.numel());
  const ExpandParams params{unique.const_data_ptr(),
                            out.mutable_data_ptr(),
                            inverse_indices.const_data_ptr<int32_t>(),
                            members.const_data_ptr<int32_t>(),
                            unique.size(0),
                            out.size(0),
                            row_size(unique) * static_cast<int64_t>(unique.element_size())};
  expand(params, kernel_device(unique));
  return out;
}

Tensor backward_run(const Tensor& rows_any, const Tensor& inverse_indices, const Tensor& offsets,
                    const Tensor& members) {
  check_index(rows_any, inverse_indices.numel(), inverse_indices, offsets, members);
  const c10::DeviceGuard guard(rows_any.device());
  const Tensor rows = rows_any.contiguous();
  const Device device = kernel_device(rows);
  Tensor out = with_rows(rows, offsets.numel() - 1);
  const ScalarType type = scalar_type_of(rows, "the gradient of expand");
  const int64_t width = row_size(rows);
  const size_t bytes = expand_backward_workspace_bytes(rows.size(0), width, type, device);
  Tensor workspace = at::empty({static_cast<int64_t>(bytes)}, rows.options().dtype(at::kByte));
  expand_backward(
      {rows.const_data_ptr(), out.mutable_data_ptr(), inverse_indices.const_data_ptr<int32_t>(),
       offsets.const_data_ptr<int32_t>(), members.const_data_ptr<int32_t>(), out.size(0),
       rows.size(0), width, type, workspace.mutable_data_ptr()},
      device);
  return out;
}

Tensor with_rows_symint(const Tensor& like, const c10::SymInt& num_rows) {
  std::vector<c10::SymInt> sizes = like.sym_sizes().vec();
  sizes[0] = num_rows;
  return at::empty_symint(sizes, like.options());
}

Tensor expand_meta(const Tensor& unique, const Tensor& inverse_indices, const Tensor& offsets,
                   const Tensor& members) {
  return with_rows_symint(unique, inverse_indices.sym_numel());
}

Tensor backward_meta(const Tensor& rows, const Tensor& inverse_indices, const Tensor& offsets,
                     const Tensor& members) {
  return with_rows_symint(rows, offsets.sym_numel() - 1);
}

// Each of the two is the other's gradient.
template <Signature* call, Signature* adjoint>
class Linear : public torch::autograd::Function<Linear<call, adjoint>> {
 public:
  static Tensor forward(AutogradContext* context, const Tensor& rows, const Tensor& inverse_indices,
                        const Tensor& offsets, const Tensor& members) {
    at::AutoDispatchBelowADInplaceOrView below;
    context->save_for_backward({inverse_indices, offsets, members});
    return call(rows, inverse_indices, offsets, members);
  }

  static tensor_list backward(AutogradContext* context, tensor_list grads) {
    const auto saved = context->get_saved_variables();
    return {adjoint(grads[0], saved[0], saved[1], saved[2]), Tensor(), Tensor(), Tensor()};
  }
};

Tensor expand_autograd(const Tensor& unique, const Tensor& inverse_indices, const Tensor& offsets,
                       const Tensor& members) {
  return Linear<call_expand, call_backward>::apply(unique, inverse_indices, offsets, members);
}

Tensor backward_autograd(const Tensor& rows, const Tensor& inverse_indices, const Tensor& offsets,
                         const Tensor& members) {
  return Linear<call_backward, call_expand>::apply(rows, inverse_indices, offsets, members);
}

TORCH_LIBRARY_FRAGMENT(onefold, m) {
  m.def("expand(Tensor unique, Tensor inverse_indices, Tensor offsets, Tensor members) -> Tensor");
  m.def(
      "expand_backward(Tensor rows, Tensor inverse_indices, Tensor offsets, Tensor members) -> "
      "Tensor");
}
TORCH_LIBRARY_IMPL(onefold, CPU, m) {
  m.impl("expand", expand_run);
  m.impl("expand_backward", backward_run);
}
TORCH_LIBRARY_IMPL(onefold, CUDA, m) {
  m.impl("expand", expand_run);
  m.impl("expand_backward", backward_run);
}
TORCH_LIBRARY_IMPL(onefold, Meta, m) {
  m.impl("expand", expand_meta);
  m.impl("expand_backward", backward_meta);
}
TORCH_LIBRARY_IMPL(onefold, Autograd, m) {
  m.impl("expand", expand_autograd);
  m.impl("expand_backward", backward_autograd);
}

}  // namespace

at::Tensor expand(const at::Tensor& unique, const FoldIndex& fold) {
  return call_expand(unique, fold.inverse_indices, fold.csr.offsets, fold.csr.members);
}

at::Tensor expand_backward(const at::Tensor& rows, const FoldIndex& fold) {
  return call_backward(rows, fold.inverse_indices, fold.csr.offsets, fold.csr.members);
}

}  // namespace onefold
