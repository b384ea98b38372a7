// SPDX-License-Identifier: Apache-2.0
// SliceMask: one bit per slice.
#pragma once

#include <array>
#include <bit>
#include <cstdint>

namespace onefold {

struct SliceMask {
  std::array<uint64_t, 4> words = {};  // slice i: bit i % 64 of word i / 64

  bool test(int slice) const { return words[slice >> 6] >> (slice & 63) & 1; }
  void set(int slice) { words[slice >> 6] |= uint64_t{1} << (slice & 63); }
  bool any() const { return (words[0] | words[1] | words[2] | words[3]) != 0; }

  SliceMask& operator&=(const SliceMask& other) {
    for (int i = 0; i < 4; ++i) words[i] &= other.words[i];
    return *this;
  }
  SliceMask& operator|=(const SliceMask& other) {
    for (int i = 0; i < 4; ++i) words[i] |= other.words[i];
    return *this;
  }
  friend SliceMask operator&(SliceMask a, const SliceMask& b) { return a &= b; }
  friend SliceMask operator|(SliceMask a, const SliceMask& b) { return a |= b; }
  bool operator==(const SliceMask&) const = default;

  // Calls `visit(slice)` for every set bit, ascending.
  template <typename Visit>
  void for_each(Visit&& visit) const {
    for (int word = 0; word < 4; ++word) {
      for (uint64_t left = words[word]; left != 0; left &= left - 1) {
        visit(word * 64 + std::countr_zero(left));
      }
    }
  }
};
static_assert(sizeof(SliceMask) == 32);

}  // namespace onefold
