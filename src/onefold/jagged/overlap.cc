// SPDX-License-Identifier: Apache-2.0
#include "onefold/jagged/overlap.h"

#include <algorithm>
#include <vector>

namespace onefold {
namespace {

// Occurrences of the pattern's first element that are compared directly before the automaton is
// built: in sliding lists the first or second one is right, and comparing runs at memory speed.
constexpr int kDirectTries = 8;

// failure[i]: length of the longest proper prefix of pattern[0, i] that is also its suffix.
std::vector<int32_t> failure_function(Elements pattern) {
  std::vector<int32_t> failure(pattern.size(), 0);
  int32_t matched = 0;
  for (size_t i = 1; i < pattern.size(); ++i) {
    while (matched > 0 && pattern[i] != pattern[matched]) matched = failure[matched - 1];
    matched += pattern[i] == pattern[matched];
    failure[i] = matched;
  }
  return failure;
}

std::optional<int64_t> search(Elements text, Elements pattern, int64_t from) {
  // Of a pattern longer than the text that is left, the rest cannot take part.
  pattern = pattern.first(std::min<size_t>(pattern.size(), text.size() - from));
  const std::vector<int32_t> failure = failure_function(pattern);
  int32_t matched = 0;
  for (size_t i = from; i < text.size(); ++i) {
    while (matched > 0 && text[i] != pattern[matched]) matched = failure[matched - 1];
    matched += text[i] == pattern[matched];
    if (matched == static_cast<int32_t>(pattern.size())) return i + 1 - matched;
  }
  if (matched == 0) return std::nullopt;
  return static_cast<int64_t>(text.size()) - matched;
}

}  // namespace

std::optional<int64_t> find_overlap(Elements text, Elements pattern, int64_t from) {
  auto at = text.begin() + from;
  for (int tries = 0; tries < kDirectTries; ++tries) {
    at = std::find(at, text.end(), pattern.front());
    if (at == text.end()) return std::nullopt;
    const auto length = std::min<int64_t>(text.end() - at, pattern.size());
    if (std::equal(at, at + length, pattern.begin())) return at - text.begin();
    ++at;
  }
  if (at == text.end()) return std::nullopt;
  return search(text, pattern, at - text.begin());
}

}  // namespace onefold
