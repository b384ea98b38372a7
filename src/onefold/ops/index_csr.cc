// SPDX-License-Identifier: Apache-2.0
#include "onefold/ops/index_csr.h"

#include <ATen/ops/empty.h>
#include <c10/core/DeviceGuard.h>
#include <torch/library.h>

#include "onefold/kernels/index_csr/index_csr.h"
#include "onefold/ops/device.h"
#include "onefold/ops/find_op.h"

namespace onefold {
namespace {

using Pair = std::tuple<at::Tensor, at::Tensor>;

Pair run(const at::Tensor& index, int64_t num_rows) {
  check_int32(index, index, "index");
  const c10::DeviceGuard guard(index.device());
  const Device device = kernel_device(index);
  at::Tensor offsets = at::empty({num_rows + 1}, index.options());
  at::Tensor members = at::empty({index.numel()}, index.options());
  const size_t bytes = index_csr_workspace_bytes(index.numel(), num_rows, device);
  at::Tensor workspace = at::empty({static_cast<int64_t>(bytes)}, index.options().dtype(at::kByte));
  index_csr({index.const_data_ptr<int32_t>(), index.numel(), num_rows,
             offsets.mutable_data_ptr<int32_t>(), members.mutable_data_ptr<int32_t>(),
             workspace.mutable_data_ptr(), bytes},
            device);
  return {offsets, members};
}

Pair run_meta(const at::Tensor& index, c10::SymInt num_rows) {
  return {at::empty_symint({num_rows + 1}, index.options()),
          at::empty_symint({index.sym_numel()}, index.options())};
}

TORCH_LIBRARY_FRAGMENT(onefold, m) {
  m.def("index_csr(Tensor index, SymInt num_rows) -> (Tensor offsets, Tensor members)");
}
TORCH_LIBRARY_IMPL(onefold, CPU, m) { m.impl("index_csr", run); }
TORCH_LIBRARY_IMPL(onefold, CUDA, m) { m.impl("index_csr", run); }
TORCH_LIBRARY_IMPL(onefold, Meta, m) { m.impl("index_csr", run_meta); }

}  // namespace

IndexCsr index_csr(const at::Tensor& index, int64_t num_rows) {
  static const auto op = find_op<Pair(const at::Tensor&, c10::SymInt)>("onefold::index_csr");
  auto [offsets, members] = op.call(index, num_rows);
  return {offsets, members};
}

}  // namespace onefold
