// SPDX-License-Identifier: Apache-2.0
#include "onefold/reader/epoch_plan.h"

#include <algorithm>
#include <map>
#include <numeric>

#include <gtest/gtest.h>

namespace onefold {
namespace {

std::vector<RowGroupRef> row_groups(int count) {
  std::vector<RowGroupRef> refs;
  for (int32_t i = 0; i < count; ++i) refs.push_back({0, i, 50 + i * 13 % 40});
  return refs;
}

std::vector<int32_t> reading_order(const EpochPlan& plan) {
  std::vector<int32_t> order;
  for (const auto& window : plan.windows) order.insert(order.end(), window.begin(), window.end());
  return order;
}

TEST(EpochPlan, WithoutShuffleIsTableOrder) {
  const auto plans = plan_epoch(row_groups(5), {.shuffle = false});
  ASSERT_EQ(plans.size(), 1u);
  EXPECT_EQ(plans[0].windows, (std::vector<std::vector<int32_t>>{{0}, {1}, {2}, {3}, {4}}));
}

TEST(EpochPlan, RanksReadDisjointRowGroupsAndMissNone) {
  for (bool shuffle : {false, true}) {
    const auto refs = row_groups(23);
    const auto plans = plan_epoch(refs, {.shuffle = shuffle, .seed = 3, .world_size = 4});
    ASSERT_EQ(plans.size(), 4u);
    std::vector<int32_t> all;
    std::vector<int64_t> rank_rows;
    for (const EpochPlan& plan : plans) {
      const auto order = reading_order(plan);
      all.insert(all.end(), order.begin(), order.end());
      rank_rows.push_back(0);
      for (int32_t row_group : order) rank_rows.back() += refs[row_group].num_rows;
    }
    std::sort(all.begin(), all.end());
    std::vector<int32_t> expected(23);
    std::iota(expected.begin(), expected.end(), 0);
    EXPECT_EQ(all, expected);
    const auto [least, most] = std::minmax_element(rank_rows.begin(), rank_rows.end());
    EXPECT_LE(*most - *least, 89);  // the largest row group
  }
}

TEST(EpochPlan, WindowsKeepTableOrderInside) {
  const auto plans = plan_epoch(row_groups(10), {.seed = 1, .row_groups_per_window = 4});
  ASSERT_EQ(plans[0].windows.size(), 3u);
  EXPECT_EQ(plans[0].windows[2].size(), 2u);
  for (const auto& window : plans[0].windows) {
    EXPECT_TRUE(std::is_sorted(window.begin(), window.end()));
  }
}

TEST(EpochPlan, SeedAndEpochDecideTheOrder) {
  const auto refs = row_groups(20);
  auto order = [&](uint64_t seed, int64_t epoch) {
    return reading_order(
        plan_epoch(refs, {.seed = seed, .epoch = epoch, .row_groups_per_window = 1})[0]);
  };
  EXPECT_EQ(order(5, 2), order(5, 2));
  EXPECT_NE(order(5, 2), order(5, 3));
  EXPECT_NE(order(5, 2), order(6, 2));
  EXPECT_NE(order(1, 0), order(0, 1));
}

TEST(EpochPlan, EveryRowGroupComesFirstSometimes) {
  std::map<int32_t, int> first;
  for (int64_t epoch = 0; epoch < 400; ++epoch) {
    ++first[plan_epoch(row_groups(4), {.epoch = epoch, .row_groups_per_window = 1})[0]
                .windows[0][0]];
  }
  for (int32_t row_group = 0; row_group < 4; ++row_group) EXPECT_GT(first[row_group], 60);
}

TEST(EpochPlan, MoreRanksThanRowGroupsLeavesSomeWithout) {
  const auto plans = plan_epoch(row_groups(2), {.world_size = 3});
  EXPECT_TRUE(plans[2].windows.empty());
}

}  // namespace
}  // namespace onefold
