// SPDX-License-Identifier: Apache-2.0
#include "onefold/timeline/compaction.h"

#include <vector>

#include <gtest/gtest.h>

namespace onefold {
namespace {

size_t first(const std::vector<int64_t>& sizes, int max_parts) {
  return first_to_merge(sizes, max_parts);
}

TEST(FirstToMerge, FewPartsStay) {
  EXPECT_EQ(first({}, 1), 0u);
  EXPECT_EQ(first({5}, 1), 1u);
  EXPECT_EQ(first({5, 5, 5}, 3), 3u);
}

TEST(FirstToMerge, TheNewestAndEverythingOfTheirSize) {
  EXPECT_EQ(first({1000, 90, 60, 8}, 3), 1u);
  EXPECT_EQ(first({1000, 500, 90, 10}, 3), 2u);  // 90 and 10; 500 is more than twice as much
  EXPECT_EQ(first({100, 90, 60, 8}, 3), 0u);     // all
}

TEST(FirstToMerge, OnePartAllowedMergesAll) { EXPECT_EQ(first({1000000, 1, 1}, 1), 0u); }

// Daily appends of the same size: how often is an event rewritten?
TEST(FirstToMerge, RewritesGrowWithTheLogarithm) {
  std::vector<int64_t> sizes = {1000};
  int64_t rewritten = 0;
  for (int day = 0; day < 1000; ++day) {
    sizes.push_back(10);
    const size_t from = first(sizes, 8);
    if (from == sizes.size()) continue;
    int64_t total = 0;
    for (size_t i = from; i < sizes.size(); ++i) total += sizes[i];
    sizes.resize(from);
    sizes.push_back(total);
    rewritten += total;
    ASSERT_LE(sizes.size(), 8u);
  }
  // 10,000 events appended to 1,000: rewriting everything each day would be 6,000,000.
  EXPECT_LT(rewritten, 100000);
}

}  // namespace
}  // namespace onefold
