// SPDX-License-Identifier: Apache-2.0
#include "onefold/ops/distinct_ids.h"

#include <gtest/gtest.h>

namespace onefold {
namespace {

TEST(DistinctIds, WorkedExample) {
  DistinctIds distinct(10);
  std::vector<int64_t> a(3), b(2);
  EXPECT_EQ(distinct.add(std::vector<int64_t>{7, 9, 7}, a), -1);
  EXPECT_EQ(distinct.add(std::vector<int64_t>{9, 4}, b), -1);
  EXPECT_EQ(a, (std::vector<int64_t>{0, 1, 0}));
  EXPECT_EQ(b, (std::vector<int64_t>{1, 2}));
  EXPECT_EQ(distinct.ids(), (std::vector<int64_t>{7, 9, 4}));
  distinct.clear();
  EXPECT_EQ(distinct.add(std::vector<int64_t>{4, 7}, b), -1);
  EXPECT_EQ(distinct.ids(), (std::vector<int64_t>{4, 7}));
}

TEST(DistinctIds, IdsOutsideTheTable) {
  for (int64_t bad : {int64_t{10}, int64_t{-1}, INT64_MAX, INT64_MIN}) {
    DistinctIds distinct(10);
    std::vector<int64_t> positions(3);
    EXPECT_EQ(distinct.add(std::vector<int64_t>{0, 9, bad}, positions), 2) << bad;
  }
}

}  // namespace
}  // namespace onefold
