// SPDX-License-Identifier: Apache-2.0
// torch.ops.onefold.jagged_index_select: jagged rows picked by one index, many keys at once (O6).
#pragma once

#include <ATen/core/Tensor.h>

#include "onefold/ops/index_csr.h"

namespace onefold {

// Jagged rows of K keys over the same R rows, key major.
//   key c  [7 8] [10]   key d  [9] []      values 7 8 10 9   offsets 0 2 3 4 4
struct KeyedJagged {
  at::Tensor values;   // [N] or [N, D], any dtype
  at::Tensor offsets;  // int32 [K * R + 1]
};

// Where each picked row lies: int32 [K * B + 1] for fold.inverse_indices [B] over R rows.
at::Tensor jagged_select_offsets(const at::Tensor& offsets, const FoldIndex& fold);

// Row inverse_indices[i] of every key for every sample i. `out_offsets` and `num_out_values`, its
// last entry, travel with the batch, so that nothing waits for the device.
// Differentiable in values, twice (float32, float64, bfloat16, float16), in a fixed order.
KeyedJagged jagged_index_select(const KeyedJagged& rows, const FoldIndex& fold,
                                const at::Tensor& out_offsets, int64_t num_out_values);

}  // namespace onefold
