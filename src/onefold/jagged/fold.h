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
// U is the smallest possible. Throws CheckError at 2^31 rows or more.
InverseKeyedJaggedTensor fold(const KeyedJaggedTensor& rows);

// The same answer using only the hash bits in `hash_mask`. For tests: with 0 every two rows
// collide and the byte comparison decides alone.
InverseKeyedJaggedTensor fold_by_hash(const KeyedJaggedTensor& rows, uint64_t hash_mask);

// What fold() compares rows by: a hash of all keys with their lengths for every row [num_rows], and
// equality of two rows, which may be of two tensors of the same keys and types.
std::vector<uint64_t> hash_rows(const KeyedJaggedTensor& rows);
bool rows_equal(const KeyedJaggedTensor& a, int64_t row_a, const KeyedJaggedTensor& b,
                int64_t row_b);

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
