// SPDX-License-Identifier: Apache-2.0
#include "onefold/jagged/merge_rows.h"

#include <algorithm>
#include <random>

#include <gtest/gtest.h>

#include "onefold/jagged/random_rows.h"

namespace onefold {
namespace {

KeyedJaggedTensor one_key(const std::vector<std::vector<int64_t>>& lists) {
  KeyedJaggedTensor rows(static_cast<int64_t>(lists.size()));
  rows.add("b", jagged<int64_t>(lists));
  return rows;
}

MergedRows merge_one_owner(const KeyedJaggedTensor& rows) {
  return merge_rows(rows, std::vector<int64_t>(rows.num_rows(), 7));
}

void expect_same(const KeyedJaggedTensor& rows, const MergedRows& merged) {
  const Status status = check_windows(merged.payload, merged.windows);
  ASSERT_TRUE(status.ok()) << status.message();
  ASSERT_EQ(cut_windows(merged.payload, merged.windows), rows);
}

// Feature b of the partial IKJT in the notes on RecD: lists that slide by one and come back.
TEST(MergeRows, GoldenPartialIkjt) {
  const KeyedJaggedTensor rows = one_key({{3, 4, 5}, {4, 5, 6}, {3, 4, 5}});
  const MergedRows merged = merge_one_owner(rows);
  EXPECT_EQ(merged.payload.get<int64_t>("b"), jagged<int64_t>({{3, 4, 5, 6}}));
  EXPECT_EQ(merged.windows, (RowWindows{{0, 0, 0}, {0, 1, 0}, {3, 3, 3}}));
  expect_same(rows, merged);
}

TEST(MergeRows, GrowsToTheLeft) {
  const KeyedJaggedTensor rows = one_key({{5, 4, 3}, {6, 5, 4}, {8, 7, 6, 5}, {4, 3}});
  const MergedRows merged = merge_one_owner(rows);
  EXPECT_EQ(merged.payload.get<int64_t>("b"), jagged<int64_t>({{8, 7, 6, 5, 4, 3}}));
  EXPECT_EQ(merged.windows, (RowWindows{{0, 0, 0, 0}, {3, 2, 0, 4}, {3, 3, 4, 2}}));
}

TEST(MergeRows, GrowsOnBothSidesAndTakesPrefixesAndSuffixes) {
  const KeyedJaggedTensor rows = one_key({{4, 5, 6}, {3, 4, 5, 6, 7}, {3, 4}, {6, 7}, {}});
  const MergedRows merged = merge_one_owner(rows);
  EXPECT_EQ(merged.payload.get<int64_t>("b"), jagged<int64_t>({{3, 4, 5, 6, 7}}));
  expect_same(rows, merged);
}

TEST(MergeRows, KeepsApartWhatDoesNotOverlap) {
  const KeyedJaggedTensor rows = one_key({{1, 2, 3, 4, 5}, {5, 6, 7, 8, 9}, {4, 5, 6, 7}});
  const MergedRows merged = merge_one_owner(rows);
  // One value of five is not worth joining; two of four are, with the row begun last.
  EXPECT_EQ(merged.payload.num_rows(), 2);
  expect_same(rows, merged);
}

TEST(MergeRows, KeepsOwnersApart) {
  const KeyedJaggedTensor rows = one_key({{1, 2, 3}, {2, 3, 4}, {3, 4, 5}});
  const MergedRows merged = merge_rows(rows, std::vector<int64_t>{1, 2, 1});
  EXPECT_EQ(merged.payload.get<int64_t>("b"), jagged<int64_t>({{1, 2, 3, 4, 5}, {2, 3, 4}}));
  EXPECT_EQ(merged.windows.row, (std::vector<int32_t>{0, 1, 0}));
}

TEST(MergeRows, CutsAllKeysAlike) {
  KeyedJaggedTensor rows(3);
  rows.add("items", jagged<int64_t>({{3, 4, 5}, {4, 5, 6}, {4, 5, 6}}));
  rows.add("times", jagged<float>({{.3f, .4f, .5f}, {.4f, .5f, .6f}, {.4f, .5f, .7f}}));
  const MergedRows merged = merge_one_owner(rows);
  // The third row differs in one time: two values overlap.
  EXPECT_EQ(merged.payload.num_rows(), 2);
  expect_same(rows, merged);
}

TEST(MergeRows, RowsOfUnequalListsStandAlone) {
  KeyedJaggedTensor rows(3);
  rows.add("a", jagged<int64_t>({{1, 2}, {1, 2}, {}}));
  rows.add("b", jagged<int64_t>({{1, 2}, {1}, {5, 6, 7}}));
  const MergedRows merged = merge_one_owner(rows);
  EXPECT_EQ(merged.payload.num_rows(), 3);
  expect_same(rows, merged);
}

TEST(MergeRows, NothingToMerge) {
  expect_same(one_key({}), merge_one_owner(one_key({})));
  expect_same(one_key({{}, {}}), merge_one_owner(one_key({{}, {}})));
  const KeyedJaggedTensor no_keys(2);
  EXPECT_EQ(merge_one_owner(no_keys).windows.size(), 2);
}

// Random rows of few values, of one to three keys, are given back whatever the search finds; also
// when all values of several keys collide.
TEST(MergeRows, GivesBackRandomRows) {
  std::mt19937_64 random(5);
  for (int round = 0; round < 400; ++round) {
    const int num_keys = 1 + round % 3;
    std::vector<std::vector<int64_t>> pools(num_keys, std::vector<int64_t>(60));
    for (auto& pool : pools) {
      for (int64_t& value : pool) value = static_cast<int64_t>(random() % (1 + round % 7));
    }
    std::vector<std::vector<std::vector<int64_t>>> lists(num_keys);
    std::vector<int64_t> owners;
    for (int row = 0; row < 30; ++row) {
      const size_t begin = random() % 40, size = random() % 20;
      for (int k = 0; k < num_keys; ++k) {
        const size_t cut = random() % 10 == 0 ? size / 2 : size;  // now and then unequal lists
        lists[k].emplace_back(pools[k].begin() + begin, pools[k].begin() + begin + cut);
      }
      owners.push_back(static_cast<int64_t>(random() % 2));
    }
    KeyedJaggedTensor rows(30);
    for (int k = 0; k < num_keys; ++k) rows.add("k" + std::to_string(k), jagged(lists[k]));
    for (const uint64_t mask : {~uint64_t{0}, uint64_t{1}, uint64_t{0}}) {
      expect_same(rows, merge_rows_by_hash(rows, owners, mask));
    }
  }
}

// A history that grows by a few events a sample, in any order of time: one payload row, as long as
// the last sample's list.
TEST(MergeRows, StoresAGrowingHistoryOnce) {
  std::mt19937_64 random(3);
  std::vector<int64_t> history(1300);
  for (int64_t& id : history) id = static_cast<int64_t>(random() % 50);
  std::vector<std::vector<int64_t>> lists;
  for (int sample = 0; sample < 100; ++sample) {
    lists.emplace_back(history.begin(), history.begin() + 1000 + 3 * sample);
  }
  std::shuffle(lists.begin(), lists.end(), random);
  const KeyedJaggedTensor rows = one_key(lists);
  const MergedRows merged = merge_one_owner(rows);
  EXPECT_EQ(merged.payload.num_rows(), 1);
  EXPECT_EQ(num_values(merged.payload.column(0)), 1297);
  expect_same(rows, merged);
}

TEST(RowWindows, RefusesWhatLeavesItsRow) {
  const KeyedJaggedTensor payload = one_key({{1, 2, 3}, {4}});
  EXPECT_TRUE(check_windows(payload, {{0, 1}, {1, 0}, {2, 1}}).ok());
  EXPECT_FALSE(check_windows(payload, {{0, 1}, {2, 0}, {2, 1}}).ok());
  EXPECT_FALSE(check_windows(payload, {{0, 1}, {-1, 0}, {2, 1}}).ok());
  EXPECT_FALSE(check_windows(payload, {{0, 1}, {0, 0}, {-1, 1}}).ok());
  EXPECT_FALSE(check_windows(payload, {{0, 2}, {0, 0}, {1, 1}}).ok());
  EXPECT_FALSE(check_windows(payload, {{0, 0}, {0, 0}, {1, 1}}).ok());  // row 1 is unused
}

}  // namespace
}  // namespace onefold
