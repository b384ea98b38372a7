// SPDX-License-Identifier: Apache-2.0
// merge_rows: rows that overlap, as windows on merged payload rows.
//
//   rows                    [3,4,5]  [4,5,6]  [3,4]       of one owner
//   payload row             [3,4,5,6]
//   windows (start, length) (0, 3)   (1, 3)   (0, 2)
//
// User lists slide: newest N events, some pushed and some popped between samples. Exact folding
// keeps every version; merged, a value is stored once per owner and a version costs 8 bytes. The
// idea is RecD's partial IKJT (arXiv 2211.05239), the search below is ours.
#pragma once

#include <cstdint>
#include <span>

#include "onefold/jagged/row_windows.h"

namespace onefold {

struct MergedRows {
  KeyedJaggedTensor payload;  // [P], every row used
  RowWindows windows;         // [U]: row u of the input, cut_windows() gives it back bit for bit
};

// Merges rows of one owner (of one user, say) where a row lies in a payload row, or continues it to
// the right (newest last), to the left (newest first) or both. A row joins the payload when at
// least a quarter of the shorter of the two overlaps; otherwise it begins a payload row, as does a
// row whose lists differ in length, which no (start, length) could cut. An owner's last 4 payload
// rows are tried, newest first.
//
// Rows of [num_rows] owners may come in any order. Time: linear in the values, with at most 16
// values of a payload row looked at per value of a row.
MergedRows merge_rows(const KeyedJaggedTensor& rows, std::span<const int64_t> owners);

// The same using only the hash bits in `hash_mask` where values of several keys are compared by
// hash. For tests: with 0 every two values collide and the final comparison decides alone.
MergedRows merge_rows_by_hash(const KeyedJaggedTensor& rows, std::span<const int64_t> owners,
                              uint64_t hash_mask);

}  // namespace onefold
