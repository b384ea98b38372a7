// SPDX-License-Identifier: Apache-2.0
#include "onefold/inspect/overlap.h"

#include <algorithm>
#include <vector>

namespace onefold {
namespace {

// Knuth-Morris-Pratt: borders[i] is the length of the longest proper prefix of `pattern` that ends
// at position i.
std::vector<int32_t> borders_of(std::span<const int64_t> pattern) {
  std::vector<int32_t> borders(pattern.size(), 0);
  for (size_t i = 1; i < pattern.size(); ++i) {
    int32_t length = borders[i - 1];
    while (length > 0 && pattern[i] != pattern[length]) length = borders[length - 1];
    borders[i] = length + (pattern[i] == pattern[length]);
  }
  return borders;
}

struct Match {
  bool inside = false;  // the whole pattern occurs in the text
  int64_t at_end = 0;   // length of the longest prefix of the pattern that ends the text
};

Match match(std::span<const int64_t> pattern, std::span<const int64_t> text) {
  const std::vector<int32_t> borders = borders_of(pattern);
  const auto whole = static_cast<int32_t>(pattern.size());
  Match found;
  int32_t length = 0;
  for (int64_t value : text) {
    if (length == whole) length = borders[length - 1];
    while (length > 0 && value != pattern[length]) length = borders[length - 1];
    length += value == pattern[length];
    found.inside |= length == whole;
  }
  found.at_end = length;
  return found;
}

}  // namespace

int64_t overlap(std::span<const int64_t> previous, std::span<const int64_t> list) {
  if (previous.empty() || list.empty()) return 0;
  const Match list_in_previous = match(list, previous);
  if (list_in_previous.inside) return static_cast<int64_t>(list.size());
  return std::max(list_in_previous.at_end, match(previous, list).at_end);
}

}  // namespace onefold
