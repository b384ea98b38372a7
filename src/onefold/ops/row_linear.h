// SPDX-License-Identifier: Apache-2.0
// row_linear: a linear layer whose output bits for a row do not depend on the other rows.
//
// With --dedup on the user side has U rows, with off B rows; the loss must be the same. A plain
// sgemm does not give that: measured with torch 2.13 (MKL) on an Intel Xeon with AVX-512, a row's
// bits changed with the number of rows M for M <= 15 at K = 512 inputs (M <= 2 at K = 64), and for
// nearly every M at K >= 1024, where the sum over K is cut differently. Hence two rules here: at
// least kMinRows rows are multiplied, padded with zeros, and K is summed in pieces of kMaxInputs.
#pragma once

#include <ATen/core/TensorBody.h>

namespace onefold {

inline constexpr int64_t kMinRows = 64;
inline constexpr int64_t kMaxInputs = 512;

// out = x · weightᵀ + bias.   x [N, K], weight [M, K] with M >= 2, bias [M] or undefined -> [N, M]
at::Tensor row_linear(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias);

}  // namespace onefold
