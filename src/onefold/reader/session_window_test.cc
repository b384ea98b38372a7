// SPDX-License-Identifier: Apache-2.0
#include "onefold/reader/session_window.h"

#include <algorithm>
#include <set>

#include <gtest/gtest.h>

#include "onefold/reader/fake_table.h"

namespace onefold {
namespace {

std::vector<RowGroup> row_groups_of(const std::vector<std::vector<int64_t>>& sessions) {
  std::vector<RowGroup> row_groups;
  for (const auto& session_ids : sessions) {
    RowGroup row_group;
    row_group.batch.session_id = session_ids;
    row_groups.push_back(std::move(row_group));
  }
  return row_groups;
}

const std::vector<std::vector<int64_t>> kSessions = {{1, 1, 1, 2}, {2, 3, 3}};

// (row group, sample) pairs in the order taken.
std::vector<std::pair<int, int>> samples_of(const std::vector<RowRange>& runs) {
  std::vector<std::pair<int, int>> samples;
  for (const RowRange& run : runs) {
    for (int i = 0; i < run.count; ++i) samples.emplace_back(run.row_group, run.begin + i);
  }
  return samples;
}

TEST(SessionWindow, WithoutShuffleIsOneRunPerRowGroup) {
  SessionWindow window(row_groups_of(kSessions), {}, std::nullopt);
  EXPECT_EQ(window.num_left(), 7);
  EXPECT_EQ(window.take(100), (std::vector<RowRange>{{0, 0, 4}, {1, 0, 3}}));
  EXPECT_EQ(window.num_left(), 0);
  EXPECT_TRUE(window.take(1).empty());
}

TEST(SessionWindow, ShufflesWholeSessionsAndKeepsTheirOrder) {
  std::set<std::vector<std::pair<int, int>>> orders;
  for (uint64_t seed = 0; seed < 100; ++seed) {
    SessionWindow window(row_groups_of(kSessions), {}, seed);
    const auto samples = samples_of(window.take(100));
    EXPECT_EQ(samples.size(), 7u);
    std::vector<int64_t> sessions;
    for (auto [row_group, sample] : samples) sessions.push_back(kSessions[row_group][sample]);
    // Each session in one piece, also session 2, which the row group border cuts.
    auto distinct = sessions;
    distinct.erase(std::unique(distinct.begin(), distinct.end()), distinct.end());
    EXPECT_EQ(distinct.size(), 3u);
    EXPECT_LT(std::find(samples.begin(), samples.end(), std::pair(0, 3)),
              std::find(samples.begin(), samples.end(), std::pair(1, 0)));
    orders.insert(samples);
  }
  EXPECT_EQ(orders.size(), 6u);  // all orders of three sessions
}

TEST(SessionWindow, TakeCutsRunsAtTheBorder) {
  SessionWindow whole(row_groups_of(kSessions), {}, 1), pieces(row_groups_of(kSessions), {}, 1);
  const auto expected = samples_of(whole.take(7));
  std::vector<std::pair<int, int>> taken;
  for (int64_t count : {0, 1, 2, 1, 3}) {
    const auto piece = samples_of(pieces.take(count));
    EXPECT_EQ(static_cast<int64_t>(piece.size()), count);
    taken.insert(taken.end(), piece.begin(), piece.end());
  }
  EXPECT_EQ(taken, expected);
}

TEST(SessionWindow, LeavesOutSessionsOfTheHoldout) {
  // Session 1 is at 0.186, session 2 at 0.127 (holdout_test.cc).
  const Holdout only_session_1{0.18, 0.19, false};
  SessionWindow window(row_groups_of({{1, 1, 1, 2}, {2, 1}}), only_session_1, std::nullopt);
  EXPECT_EQ(window.num_left(), 4);
  EXPECT_EQ(window.take(10), (std::vector<RowRange>{{0, 0, 3}, {1, 1, 1}}));
}

TEST(SessionWindow, NoSamples) {
  SessionWindow window(row_groups_of({{}, {}}), {}, 1);
  EXPECT_EQ(window.num_left(), 0);
  EXPECT_TRUE(window.take(5).empty());
}

}  // namespace
}  // namespace onefold
