// SPDX-License-Identifier: Apache-2.0
#include "onefold/ops/row_linear.h"

#include <algorithm>

#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/linear.h>

#include "onefold/base/check.h"

namespace onefold {
namespace {

at::Tensor linear_in_pieces(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
  const int64_t num_inputs = x.size(1);
  if (num_inputs <= kMaxInputs) return at::linear(x, weight, bias);
  at::Tensor sum;
  for (int64_t begin = 0; begin < num_inputs; begin += kMaxInputs) {
    const int64_t count = std::min(kMaxInputs, num_inputs - begin);
    const at::Tensor piece =
        at::linear(x.narrow(1, begin, count).contiguous(), weight.narrow(1, begin, count),
                   begin == 0 ? bias : at::Tensor());
    sum = sum.defined() ? sum.add(piece) : piece;
  }
  return sum;
}

}  // namespace

at::Tensor row_linear(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
  ONEFOLD_CHECK(x.dim() == 2 && weight.dim() == 2 && x.size(1) == weight.size(1),
                "row_linear takes x [N, K] and weight [M, K]");
  ONEFOLD_CHECK(weight.size(0) >= 2, "a matrix-vector product sums differently for each N");
  const int64_t num_rows = x.size(0);
  if (num_rows >= kMinRows) return linear_in_pieces(x, weight, bias);
  const at::Tensor padded = at::constant_pad_nd(x, {0, 0, 0, kMinRows - num_rows});
  return linear_in_pieces(padded, weight, bias).narrow(0, 0, num_rows);
}

}  // namespace onefold
