// SPDX-License-Identifier: Apache-2.0
// PayloadWindows: the unique rows of a windowed group as tensors.
//
//   payload values  a b c d         N = 4 of P = 1 rows
//   windows         [a b c] [b c d] U = 2
//   cut             a b c b c d     M = 6, offsets 0 3 6
//
// What is done per value (lookups, projections) is done on the payload, once for all windows; what
// looks at a list as a whole (attention) is done on the windows cut from it; sums and means need no
// cut.
#pragma once

#include <span>

#include <ATen/core/Tensor.h>

#include "onefold/jagged/row_windows.h"
#include "onefold/kernels/pooling.h"
#include "onefold/ops/index_csr.h"

namespace onefold {

struct PayloadWindows {
  at::Tensor row_offsets;      // int32 [P + 1], of the payload's values
  at::Tensor starts, lengths;  // int32 [U]: starts count from the row's first value
  FoldIndex rows;              // U windows over P payload rows
  at::Tensor offsets;          // int32 [U + 1], of the windows' lists one after another

  // For each value of the windows' lists, the payload value that it is: M over N.
  FoldIndex cut_index() const;
};

// The sum or mean of each window: values [N, ...]  ->  [U, ...].
at::Tensor pool_windows(const at::Tensor& values, const PayloadWindows& windows, Pooling pooling);

// Of a key with these offsets [P + 1], all copied. Throws CheckError when the windows' lists
// together have 2^31 values or more.
PayloadWindows make_payload_windows(const RowWindows& windows, std::span<const int32_t> offsets);

}  // namespace onefold
