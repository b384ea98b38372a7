// SPDX-License-Identifier: Apache-2.0
// TokenPrefix: the tokens of a user embedding before the values of a history.
//
//   sample       0  1  2  3         pair of (history, embedding)   0      1      2
//   history      0  0  1  1         history                        0      1      1
//   embedding    0  0  0  1         embedding                      0      0      1
//                                   inverse_indices                0 0    1      2
//
// A block that mixes both depends on the pair, so it runs on the different pairs, in first-seen
// order, and not on samples.
#pragma once

#include <cstdint>

#include <ATen/core/TensorBody.h>

#include "onefold/ops/index_csr.h"

namespace onefold {

struct RowPairs {
  at::Tensor first, second;  // int32 [P]: row of each group
  FoldIndex fold;            // B samples over the P pairs
};

// The different pairs of (first[i], second[i]).   int32 [B] each
RowPairs pair_rows(const at::Tensor& first, const at::Tensor& second);

struct TokenPrefix {
  at::Tensor tokens;      // [E, T, dim]
  at::Tensor rows;        // int32 [P]: row of the values
  at::Tensor token_rows;  // int32 [P]: row of `tokens`
};

struct PrefixedValues {
  at::Tensor values;   // [P * T + ..., dim]
  at::Tensor offsets;  // int32 [P + 1]
};

// Row p: the T tokens of token_rows[p], then the values of row rows[p].
//   values [N, dim], offsets int32 [U + 1]
PrefixedValues prepend(const TokenPrefix& prefix, const at::Tensor& values,
                       const at::Tensor& offsets);

}  // namespace onefold
