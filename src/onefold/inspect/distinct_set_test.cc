// SPDX-License-Identifier: Apache-2.0
#include "onefold/inspect/distinct_set.h"

#include <unordered_set>

#include <gtest/gtest.h>

#include "onefold/base/hash.h"

namespace onefold {
namespace {

TEST(DistinctSet, CountsLikeAnUnorderedSet) {
  DistinctSet set;
  for (int round = 0; round < 3; ++round) {  // after clear() nothing of the round before is left
    std::unordered_set<uint64_t> expected;
    for (int64_t i = 0; i < 5000; ++i) {
      const uint64_t key = hash64(i * i % (700 + round * 1000));
      ASSERT_EQ(set.insert(key), expected.insert(key).second);
    }
    EXPECT_EQ(set.size(), static_cast<int64_t>(expected.size()));
    set.clear();
    EXPECT_EQ(set.size(), 0);
  }
}

TEST(DistinctSet, KeysWithEqualLowBitsAreDistinct) {
  DistinctSet set;
  for (uint64_t i = 0; i < 100; ++i) EXPECT_TRUE(set.insert(i << 32));
  for (uint64_t i = 0; i < 100; ++i) EXPECT_FALSE(set.insert(i << 32));
}

}  // namespace
}  // namespace onefold
