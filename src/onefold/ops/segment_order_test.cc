// SPDX-License-Identifier: Apache-2.0
#include "onefold/ops/segment_order.h"

#include <random>

#include <gtest/gtest.h>

namespace onefold {
namespace {

TEST(SegmentOrder, WorkedExample) {
  const std::vector<int32_t> index = {0, 0, 1, 0, 2};
  const SegmentOrder order = segment_order(index, 3);
  EXPECT_EQ(order.offsets, (std::vector<int32_t>{0, 3, 4, 5}));
  EXPECT_EQ(order.members, (std::vector<int32_t>{0, 1, 3, 2, 4}));
}

TEST(SegmentOrder, RowsNobodyUsesAreEmpty) {
  const std::vector<int32_t> index = {3, 1};
  const SegmentOrder order = segment_order(index, 5);
  EXPECT_EQ(order.offsets, (std::vector<int32_t>{0, 0, 1, 1, 2, 2}));
  EXPECT_TRUE(order.row(0).empty());
  EXPECT_EQ(order.row(3)[0], 0);
  EXPECT_EQ(segment_order({}, 0).num_rows(), 0);
}

TEST(SegmentOrder, EveryEntryOnceAndAscending) {
  std::mt19937 random(1);
  std::vector<int32_t> index(1000);
  for (int32_t& row : index) row = static_cast<int32_t>(random() % 37);
  const SegmentOrder order = segment_order(index, 37);
  size_t seen = 0;
  for (int64_t row = 0; row < 37; ++row) {
    int32_t previous = -1;
    for (int32_t member : order.row(row)) {
      EXPECT_EQ(index[member], row);
      EXPECT_GT(member, previous);
      previous = member;
      ++seen;
    }
  }
  EXPECT_EQ(seen, index.size());
}

TEST(BalancedParts, CoversAllRowsWithoutOneHotPart) {
  // One row with 1,000 entries among 999 rows of one.
  std::vector<int32_t> offsets = {0};
  for (int32_t row = 0; row < 1000; ++row)
    offsets.push_back(offsets.back() + (row == 500 ? 1000 : 1));
  const std::vector<int64_t> parts = balanced_parts(offsets, 4);
  EXPECT_EQ(parts.front(), 0);
  EXPECT_EQ(parts.back(), 1000);
  for (size_t p = 0; p + 1 < parts.size(); ++p) {
    EXPECT_LE(parts[p], parts[p + 1]);
    const int64_t work = parts[p + 1] - parts[p] + offsets[parts[p + 1]] - offsets[parts[p]];
    EXPECT_LE(work, 2999 / 4 + 1001 + 1);  // a fair share and at most one row too many
  }
  EXPECT_EQ(balanced_parts(std::vector<int32_t>{0}, 3), (std::vector<int64_t>{0, 0, 0, 0}));
}

}  // namespace
}  // namespace onefold
