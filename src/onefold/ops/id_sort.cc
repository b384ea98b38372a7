// SPDX-License-Identifier: Apache-2.0
#include "onefold/ops/id_sort.h"

#include <ATen/ops/empty.h>
#include <c10/core/DeviceGuard.h>
#include <torch/library.h>

#include "onefold/kernels/id_sort/id_sort.h"
#include "onefold/ops/device.h"
#include "onefold/ops/find_op.h"

namespace onefold {
namespace {

using at::Tensor;
using Result = std::tuple<Tensor, Tensor, Tensor, Tensor, Tensor>;

void check_ids(at::TensorList ids, at::IntArrayRef first_rows, at::IntArrayRef num_rows) {
  TORCH_CHECK(!ids.empty(), "onefold::id_sort: no features");
  TORCH_CHECK(ids.size() == first_rows.size() && ids.size() == num_rows.size(),
              "onefold::id_sort: ", ids.size(), " features, but ", first_rows.size(),
              " first_rows and ", num_rows.size(), " num_rows");
  for (const Tensor& feature : ids) {
    TORCH_CHECK(feature.scalar_type() == at::kLong && feature.is_contiguous() &&
                    feature.device() == ids[0].device(),
                "onefold::id_sort: ids must be contiguous int64 tensors on one device");
  }
}

// The features of one call; their rows go to `rows`.
struct Features {
  Features(at::TensorList ids, at::IntArrayRef first_rows, at::IntArrayRef num_rows) {
    check_ids(ids, first_rows, num_rows);
    for (size_t f = 0; f < ids.size(); ++f) {
      features.push_back(
          {ids[f].const_data_ptr<int64_t>(), ids[f].numel(), first_rows[f], num_rows[f]});
      params.num_ids += ids[f].numel();
    }
    params.features = features.data();
    params.num_features = static_cast<int64_t>(features.size());
  }
  Features(const Features&) = delete;  // params points to features

  std::vector<TableIds> features;
  IdSortParams params;
};

Result run(at::TensorList ids, at::IntArrayRef first_rows, at::IntArrayRef num_rows,
           int64_t total_rows) {
  Features features(ids, first_rows, num_rows);
  IdSortParams& params = features.params;
  const c10::DeviceGuard guard(ids[0].device());
  const Device device = kernel_device(ids[0]);
  const auto ints = [&](int64_t size) {
    return at::empty({size}, ids[0].options().dtype(at::kInt));
  };
  const int64_t n = params.num_ids;
  Result result{ints(n), ints(n), ints(n), ints(n + 1), ints(2)};
  params.total_rows = total_rows;
  params.rows = std::get<0>(result).mutable_data_ptr<int32_t>();
  params.sorted_rows = std::get<1>(result).mutable_data_ptr<int32_t>();
  params.sorted_positions = std::get<2>(result).mutable_data_ptr<int32_t>();
  params.run_offsets = std::get<3>(result).mutable_data_ptr<int32_t>();
  params.counts = std::get<4>(result).mutable_data_ptr<int32_t>();
  params.workspace_bytes = id_sort_workspace_bytes(n, total_rows, device);
  Tensor workspace =
      at::empty({static_cast<int64_t>(params.workspace_bytes)}, ids[0].options().dtype(at::kByte));
  params.workspace = workspace.mutable_data_ptr();
  id_sort(params, device);
  return result;
}

c10::SymInt num_ids(at::TensorList ids) {
  c10::SymInt n = 0;
  for (const Tensor& feature : ids) n = n + feature.sym_numel();
  return n;
}

Result run_meta(at::TensorList ids, at::IntArrayRef first_rows, at::IntArrayRef num_rows,
                int64_t total_rows) {
  const c10::SymInt n = num_ids(ids);
  const auto ints = [&](const c10::SymInt& size) {
    return at::empty_symint({size}, ids[0].options().dtype(at::kInt));
  };
  return {ints(n), ints(n), ints(n), ints(n + 1), ints(2)};
}

Tensor rows_run(at::TensorList ids, at::IntArrayRef first_rows, at::IntArrayRef num_rows) {
  Features features(ids, first_rows, num_rows);
  const c10::DeviceGuard guard(ids[0].device());
  Tensor rows = at::empty({features.params.num_ids}, ids[0].options().dtype(at::kInt));
  features.params.rows = rows.mutable_data_ptr<int32_t>();
  id_rows(features.params, kernel_device(ids[0]));
  return rows;
}

Tensor rows_meta(at::TensorList ids, at::IntArrayRef first_rows, at::IntArrayRef num_rows) {
  return at::empty_symint({num_ids(ids)}, ids[0].options().dtype(at::kInt));
}

TORCH_LIBRARY_FRAGMENT(onefold, m) {
  m.def(
      "id_sort(Tensor[] ids, int[] first_rows, int[] num_rows, int total_rows) -> (Tensor rows, "
      "Tensor sorted_rows, Tensor sorted_positions, Tensor run_offsets, Tensor counts)");
  m.def("id_rows(Tensor[] ids, int[] first_rows, int[] num_rows) -> Tensor");
}

void register_kernels(torch::Library& m) {
  m.impl("id_sort", run);
  m.impl("id_rows", rows_run);
}

TORCH_LIBRARY_IMPL(onefold, CPU, m) { register_kernels(m); }
TORCH_LIBRARY_IMPL(onefold, CUDA, m) { register_kernels(m); }
TORCH_LIBRARY_IMPL(onefold, Meta, m) {
  m.impl("id_sort", run_meta);
  m.impl("id_rows", rows_meta);
}

}  // namespace

SortedIds id_sort(const std::vector<at::Tensor>& ids, const std::vector<int64_t>& first_rows,
                  const std::vector<int64_t>& num_rows, int64_t total_rows) {
  static const auto op = find_op<Result(at::TensorList, at::IntArrayRef, at::IntArrayRef, int64_t)>(
      "onefold::id_sort");
  auto [rows, sorted_rows, positions, runs, counts] =
      op.call(ids, first_rows, num_rows, total_rows);
  return {rows, sorted_rows, positions, runs, counts};
}

}  // namespace onefold
