// SPDX-License-Identifier: Apache-2.0
// fold: rows -> unique rows + inverse.   expand: back.   expand(fold(x)) == x, bit for bit.
#pragma once

#include <cstdint>
#include <span>

#include "onefold/jagged/inverse_keyed_jagged_tensor.h"

namespace onefold {

// Finds every repeated row of a group, adjacent or not (A-B-A folds to two rows). Compares with
// the previous row first, which decides nearly always on session-clustered rows; then a 64-bit
// hash of all keys with their lengths, and bytes on a hit, so that [7],[8,9] and [7,8],[9] differ.
InverseKeyedJaggedTensor fold(const KeyedJaggedTensor& rows);

// The group as one row per sample.
KeyedJaggedTensor expand(const InverseKeyedJaggedTensor& ikjt);

// Rows of `rows` picked by `indices`, repeats allowed, in that order.
// REQUIRES: 0 <= indices[i] < rows.num_rows().
KeyedJaggedTensor select_rows(const KeyedJaggedTensor& rows, std::span<const int32_t> indices);

// The IKJT of samples that refer to `payload` rows by `refs` [B] in any order and with any gaps:
// unused payload rows are left out, used ones renumbered in first-seen order. No hashing.
// kDataLoss when a ref is outside [0, payload.num_rows()).
Result<InverseKeyedJaggedTensor> from_refs(const KeyedJaggedTensor& payload,
                                           std::span<const int32_t> refs);

}  // namespace onefold
