// SPDX-License-Identifier: Apache-2.0
// torch.ops.onefold.fold: jagged::fold over tensors, for batches that are made in Python. Our own
// reader folds before there are tensors.
//
//   fold(values [N], offsets int32 [K * B + 1], num_rows B) -> values, offsets [K * U + 1],
//                                                              inverse_indices int32 [B]
//
// K keys over the same B rows, key major, as in TorchRec's KJT; a row is repeated when all its keys
// are. On the CPU only, and its sizes depend on the data, so its meta form is in Python.
#include "onefold/jagged/fold.h"

#include <algorithm>
#include <functional>

#include <ATen/ops/empty.h>
#include <torch/library.h>

#include "onefold/ops/device.h"

namespace onefold {
namespace {

using at::Tensor;
using Result3 = std::tuple<Tensor, Tensor, Tensor>;

void check_offsets(const Tensor& values, const Tensor& offsets, int64_t num_rows) {
  TORCH_CHECK(values.dim() == 1 && values.is_contiguous(),
              "onefold::fold: values must be contiguous [N], are ", values.sizes());
  check_int32(offsets, values, "offsets");
  TORCH_CHECK(num_rows >= 0 && offsets.numel() >= 1 &&
                  (num_rows == 0 ? offsets.numel() == 1 : (offsets.numel() - 1) % num_rows == 0),
              "onefold::fold: ", offsets.numel(), " offsets are not K * ", num_rows, " + 1");
  const int32_t* begin = offsets.const_data_ptr<int32_t>();
  const int32_t* end = begin + offsets.numel();
  TORCH_CHECK(*begin == 0 && end[-1] == values.numel() &&
                  std::adjacent_find(begin, end, std::greater<>()) == end,
              "onefold::fold: offsets must start at 0, not decrease, and end at the ",
              values.numel(), " values");
}

template <typename T>
KeyedJaggedTensor keyed_rows(const Tensor& values, const Tensor& offsets, int64_t num_rows) {
  KeyedJaggedTensor rows(num_rows);
  const int64_t num_keys = num_rows > 0 ? (offsets.numel() - 1) / num_rows : 0;
  for (int64_t key = 0; key < num_keys; ++key) {
    const int32_t* bounds = offsets.const_data_ptr<int32_t>() + key * num_rows;
    std::vector<int32_t> from_zero(bounds, bounds + num_rows + 1);
    for (int32_t& offset : from_zero) offset -= bounds[0];
    const T* from = values.const_data_ptr<T>();
    std::vector<T> of_key(from + bounds[0], from + bounds[num_rows]);
    rows.add(std::to_string(key),
             JaggedTensor<T>::make(std::move(of_key), std::move(from_zero)).value());
  }
  return rows;
}

template <typename T>
Result3 fold_tensors(const Tensor& values, const Tensor& offsets, int64_t num_rows) {
  const InverseKeyedJaggedTensor folded = fold(keyed_rows<T>(values, offsets, num_rows));
  const KeyedJaggedTensor& unique = folded.unique();
  int64_t num_values = 0;
  for (int64_t key = 0; key < unique.num_keys(); ++key) {
    num_values += onefold::num_values(unique.column(key));
  }
  Tensor out = at::empty({num_values}, values.options());
  Tensor out_offsets = at::empty({unique.num_keys() * unique.num_rows() + 1}, offsets.options());
  Tensor inverse = at::empty({num_rows}, offsets.options());
  T* to = out.mutable_data_ptr<T>();
  int32_t* bound = out_offsets.mutable_data_ptr<int32_t>();
  *bound = 0;
  for (int64_t key = 0; key < unique.num_keys(); ++key) {
    const auto& column = std::get<JaggedTensor<T>>(unique.column(key));
    to = std::copy(column.values().begin(), column.values().end(), to);
    const int32_t first = *bound;
    for (int64_t row = 1; row <= column.num_rows(); ++row) *++bound = first + column.offsets()[row];
  }
  std::copy(folded.inverse_indices().begin(), folded.inverse_indices().end(),
            inverse.mutable_data_ptr<int32_t>());
  return {out, out_offsets, inverse};
}

Result3 run(const Tensor& values, const Tensor& offsets, int64_t num_rows) {
  check_offsets(values, offsets, num_rows);
  if (values.scalar_type() == at::kLong) return fold_tensors<int64_t>(values, offsets, num_rows);
  if (values.scalar_type() == at::kFloat) return fold_tensors<float>(values, offsets, num_rows);
  TORCH_CHECK(false, "onefold::fold: values must be int64 or float32, are ", values.scalar_type());
}

TORCH_LIBRARY_FRAGMENT(onefold, m) {
  m.def(
      "fold(Tensor values, Tensor offsets, SymInt num_rows) -> (Tensor values, Tensor offsets, "
      "Tensor inverse_indices)");
}
TORCH_LIBRARY_IMPL(onefold, CPU, m) { m.impl("fold", run); }

}  // namespace
}  // namespace onefold
