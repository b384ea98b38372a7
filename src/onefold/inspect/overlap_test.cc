// SPDX-License-Identifier: Apache-2.0
#include "onefold/inspect/overlap.h"

#include <algorithm>
#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace onefold {
namespace {

using List = std::vector<int64_t>;

// The definition, tried at every position.
int64_t slow_overlap(const List& previous, const List& list) {
  if (std::search(previous.begin(), previous.end(), list.begin(), list.end()) != previous.end()) {
    return static_cast<int64_t>(list.size());
  }
  int64_t best = 0;
  for (size_t n = 1; n <= std::min(previous.size(), list.size()); ++n) {
    if (std::equal(previous.end() - n, previous.end(), list.begin())) best = n;
  }
  for (size_t n = 1; n <= std::min(previous.size(), list.size()); ++n) {
    if (std::equal(previous.begin(), previous.begin() + n, list.end() - n)) {
      best = std::max<int64_t>(best, n);
    }
  }
  return best;
}

TEST(Overlap, ShiftedWindows) {
  EXPECT_EQ(overlap(List{1, 2, 3, 4}, List{3, 4, 5}), 2);           // newest last
  EXPECT_EQ(overlap(List{1, 2, 3, 4}, List{9, 1, 2, 3}), 3);        // newest first
  EXPECT_EQ(overlap(List{1, 2}, List{1, 2, 3}), 2);                 // grown
  EXPECT_EQ(overlap(List{1, 2}, List{0, 1, 2}), 2);                 // grown at the front
  EXPECT_EQ(overlap(List{1, 2, 1, 2, 3}, List{1, 2, 3, 1, 2}), 3);  // the longer of both ends
}

TEST(Overlap, Inside) {
  EXPECT_EQ(overlap(List{1, 2, 3, 4}, List{2, 3}), 2);
  EXPECT_EQ(overlap(List{1, 2, 3, 4}, List{1, 2}), 2);
  EXPECT_EQ(overlap(List{1, 2, 3, 4}, List{3, 4}), 2);
  EXPECT_EQ(overlap(List{1, 2, 3}, List{1, 2, 3}), 3);
  EXPECT_EQ(overlap(List{1, 1, 2}, List{1, 2}), 2);
}

TEST(Overlap, NothingInCommon) {
  EXPECT_EQ(overlap(List{}, List{1}), 0);
  EXPECT_EQ(overlap(List{1}, List{}), 0);
  EXPECT_EQ(overlap(List{1, 2, 3, 4}, List{1, 2, 9}), 0);  // a common prefix cannot be shared
  EXPECT_EQ(overlap(List{2, 3}, List{1, 2, 3, 4}), 0);     // would have to grow at both ends
}

TEST(Overlap, AgreesWithTheDefinition) {
  std::mt19937 random(1);
  for (int trial = 0; trial < 20'000; ++trial) {
    List lists[2];
    for (List& list : lists) {
      list.resize(1 + random() % 8);
      for (int64_t& value : list) value = random() % 3;
    }
    ASSERT_EQ(overlap(lists[0], lists[1]), slow_overlap(lists[0], lists[1]))
        << testing::PrintToString(lists[0]) << testing::PrintToString(lists[1]);
  }
}

}  // namespace
}  // namespace onefold
