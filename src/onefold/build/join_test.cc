// SPDX-License-Identifier: Apache-2.0
#include "onefold/build/join.h"

#include <limits>

#include "onefold/build/test_logs.h"

namespace onefold {
namespace {

constexpr int64_t kHour = int64_t{3600} * 1000000;
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

std::vector<float> join_one(EventJoin& join, int64_t request, const std::vector<int64_t>& items,
                            size_t num_labels) {
  std::vector<float> labels(items.size() * num_labels);
  join.join(request, 0, items, labels);
  return labels;
}

TEST(EventJoinTest, LabelsOfTheHeaderExample) {
  EventJoin join({{"click", "click", false}, {"seconds", "watch", true}}, kHour);
  join.add(event_records({{7, 11, 1, "click", kNaN}, {7, 11, 2, "watch", 3.5f}}));
  join.add(event_records({{7, 11, 3, "watch", 2.0f}}));
  EXPECT_EQ(join_one(join, 7, {10, 11, 12}, 2), (std::vector<float>{0, 0, 1, 5.5f, 0, 0}));
  EXPECT_EQ(join.stats().events, 3);
  EXPECT_EQ(join.stats().orphans, 0);
}

TEST(EventJoinTest, TwoClicksAreOnePositiveAndAnItemShownTwiceIsPositiveTwice) {
  EventJoin join({{"click", "click", false}}, kHour);
  join.add(event_records({{1, 5, 0, "click", 1}, {1, 5, 0, "click", 1}}));
  EXPECT_EQ(join_one(join, 1, {5, 6, 5}, 1), (std::vector<float>{1, 0, 1}));
  EXPECT_EQ(join.stats().orphans, 0);
  EXPECT_EQ(join.label_events(), std::vector<int64_t>{2});
}

TEST(EventJoinTest, EventsWithoutACandidateAreOrphans) {
  EventJoin join({{"click", "click", false}}, kHour);
  // Another item of the request; an item that only another request shows; no such request.
  join.add(event_records({{1, 5, 0, "click", 1}, {1, 9, 0, "click", 1}, {3, 5, 0, "click", 1}}));
  EXPECT_EQ(join_one(join, 1, {5}, 1), std::vector<float>{1});
  EXPECT_EQ(join_one(join, 2, {9}, 1), std::vector<float>{0});
  EXPECT_EQ(join.stats().events, 3);
  EXPECT_EQ(join.stats().orphans, 2);
  EXPECT_EQ(join.label_events(), std::vector<int64_t>{1});
}

TEST(EventJoinTest, ActionsWithoutALabelAndValuesThatAreMissing) {
  EventJoin join({{"seconds", "watch", true}}, kHour);
  join.add(event_records({{1, 5, 0, "click", 8}, {1, 5, 0, "watch", kNaN}, {1, 5, 0, "watch", 2}}));
  EXPECT_EQ(join_one(join, 1, {5}, 1), std::vector<float>{2});
  EXPECT_EQ(join.stats().unlabelled, 1);
  EXPECT_EQ(join.stats().orphans, 0);
}

TEST(EventJoinTest, OneActionMayMakeSeveralLabels) {
  EventJoin join({{"watched", "watch", false}, {"seconds", "watch", true}}, kHour);
  join.add(event_records({{1, 5, 0, "watch", 0.25f}}));
  EXPECT_EQ(join_one(join, 1, {5}, 2), (std::vector<float>{1, 0.25f}));
}

TEST(EventJoinTest, LateAndEarlyEventsAreCountedAndLabelAllTheSame) {
  EventJoin join({{"click", "click", false}}, kHour);
  join.add(event_records(
      {{1, 5, kHour, "click", 1}, {1, 6, kHour + 1, "click", 1}, {1, 7, -1, "click", 1}}));
  EXPECT_EQ(join_one(join, 1, {5, 6, 7}, 1), (std::vector<float>{1, 1, 1}));
  EXPECT_EQ(join.stats().late, 1);
  EXPECT_EQ(join.stats().early, 1);
}

TEST(EventJoinTest, NoEventsNoLabels) {
  EventJoin none({}, kHour), no_events({{"click", "click", false}}, kHour);
  EXPECT_TRUE(join_one(none, 1, {5, 6}, 0).empty());
  EXPECT_EQ(join_one(no_events, 1, {5, 6}, 1), (std::vector<float>{0, 0}));
}

}  // namespace
}  // namespace onefold
