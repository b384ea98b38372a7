// SPDX-License-Identifier: Apache-2.0
#include "onefold/jagged/overlap.h"

#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace onefold {
namespace {

std::optional<int64_t> obvious(const std::vector<uint64_t>& text,
                               const std::vector<uint64_t>& pattern, int64_t from) {
  for (size_t p = from; p < text.size(); ++p) {
    bool agrees = true;
    for (size_t i = 0; i < pattern.size() && p + i < text.size(); ++i) {
      agrees &= text[p + i] == pattern[i];
    }
    if (agrees) return p;
  }
  return std::nullopt;
}

TEST(Overlap, FindsWherePatternLiesOrBegins) {
  const std::vector<uint64_t> text = {3, 4, 5, 6};
  EXPECT_EQ(find_overlap(text, std::vector<uint64_t>{5, 6, 7}, 0), 2);
  EXPECT_EQ(find_overlap(text, std::vector<uint64_t>{4, 5}, 0), 1);
  EXPECT_EQ(find_overlap(text, std::vector<uint64_t>{3, 4, 5, 6, 7}, 0), 0);
  EXPECT_EQ(find_overlap(text, std::vector<uint64_t>{7, 8}, 0), std::nullopt);
  EXPECT_EQ(find_overlap(text, std::vector<uint64_t>{4, 5}, 2), std::nullopt);
}

// Few different values, so that there are many false starts and the automaton takes over.
TEST(Overlap, AgreesWithTryingEveryPosition) {
  std::mt19937_64 random(11);
  for (int round = 0; round < 20000; ++round) {
    const uint64_t alphabet = 1 + random() % 3;
    std::vector<uint64_t> text(random() % 40), pattern(1 + random() % 20);
    for (uint64_t& value : text) value = random() % alphabet;
    for (uint64_t& value : pattern) value = random() % alphabet;
    const auto from = static_cast<int64_t>(text.empty() ? 0 : random() % text.size());
    ASSERT_EQ(find_overlap(text, pattern, from), obvious(text, pattern, from)) << round;
  }
}

TEST(Overlap, AgreesAfterManyFalseStarts) {
  std::vector<uint64_t> text(1000, 1), pattern(100, 1);
  text.push_back(2);
  pattern.back() = 2;
  EXPECT_EQ(find_overlap(text, pattern, 0), obvious(text, pattern, 0));
}

}  // namespace
}  // namespace onefold
