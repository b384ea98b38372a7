// SPDX-License-Identifier: Apache-2.0
// overlap: how much of a list a windowed store has already, given the list before it.
#pragma once

#include <cstdint>
#include <span>

namespace onefold {

// A windowed store keeps one array of values and gives every list a window (start, length) of it.
// Storing `list` after `previous` costs nothing when it lies inside `previous`; otherwise the
// array grows at one end, and what both have in common there is not stored again:
//
//   previous [1,2,3,4]   list [2,3]        inside                                  -> 2
//   previous [1,2,3,4]   list [3,4,5]      its end is the list's beginning (3,4)   -> 2
//   previous [1,2,3,4]   list [9,1,2,3]    its beginning is the list's end (1,2,3) -> 3
//   previous [1,2,3,4]   list [1,2,9]      the ends differ: a common prefix can
//                                          not be shared                           -> 0
//
// Returns the largest number of values of `list` covered in one of these ways. Linear in both
// lengths.
int64_t overlap(std::span<const int64_t> previous, std::span<const int64_t> list);

}  // namespace onefold
