// SPDX-License-Identifier: Apache-2.0
#include "onefold/timeline/timeline_merge.h"

#include <algorithm>
#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace onefold {
namespace {

constexpr ColumnSet kKeys = ColumnSet().with(EventColumn::kTime).with(EventColumn::kEventId);

EventColumns columns_of(const std::vector<EventKey>& keys) {
  EventColumns columns;
  for (const EventKey& key : keys) {
    Event event;
    event.at(EventColumn::kTime) = key.time_us;
    event.at(EventColumn::kEventId) = key.event_id;
    event.at(EventColumn::kItem) = key.event_id * 2;
    columns.push(event);
  }
  return columns;
}

std::vector<EventKey> keys_of(const EventColumns& columns) {
  std::vector<EventKey> keys;
  for (int64_t i = 0; i < columns.num_events; ++i) {
    keys.push_back({columns.at(EventColumn::kTime)[i], columns.at(EventColumn::kEventId)[i]});
  }
  return keys;
}

TEST(MergeRuns, NewestOfTwoInTimeOrder) {
  const EventColumns base = columns_of({{1, 1}, {4, 2}}), delta = columns_of({{2, 3}, {9, 4}});
  const std::vector<EventRun> runs = {{&base, 0, 2}, {&delta, 0, 2}};
  EventColumns out;
  EXPECT_EQ(merge_runs(runs, 3, ColumnSet::all(), out), 3);
  EXPECT_EQ(keys_of(out), (std::vector<EventKey>{{2, 3}, {4, 2}, {9, 4}}));
  EXPECT_EQ(out.at(EventColumn::kItem), (std::vector<int64_t>{6, 4, 8}));
}

TEST(MergeRuns, OnlyTheColumnsAskedFor) {
  const EventColumns run = columns_of({{1, 1}, {2, 2}, {3, 3}});
  EventColumns out;
  const std::vector<EventRun> runs = {{&run, 1, 3}};
  EXPECT_EQ(merge_runs(runs, 1, ColumnSet().with(EventColumn::kItem), out), 1);
  EXPECT_EQ(out.num_events, 1);
  EXPECT_EQ(out.at(EventColumn::kItem), (std::vector<int64_t>{6}));
  EXPECT_TRUE(out.at(EventColumn::kTime).empty());
}

TEST(MergeRuns, AnyInterleavingEqualsSorting) {
  std::mt19937_64 random(3);
  for (int round = 0; round < 300; ++round) {
    const size_t num_runs = random() % 5;
    std::vector<EventColumns> columns(num_runs);
    std::vector<EventRun> runs;
    std::vector<EventKey> all;
    for (size_t r = 0; r < num_runs; ++r) {
      std::vector<EventKey> keys(random() % 8);
      for (EventKey& key : keys) {
        key = {static_cast<int64_t>(random() % 5), static_cast<int64_t>(random() % 1000)};
      }
      std::sort(keys.begin(), keys.end());
      columns[r] = columns_of(keys);
      runs.push_back({&columns[r], 0, columns[r].num_events});
      all.insert(all.end(), keys.begin(), keys.end());
    }
    std::sort(all.begin(), all.end());
    const size_t cap = random() % 12;
    if (all.size() > cap) all.erase(all.begin(), all.end() - static_cast<int64_t>(cap));
    EventColumns out;
    merge_runs(runs, static_cast<int64_t>(cap), kKeys, out);
    ASSERT_EQ(keys_of(out), all) << "round " << round;
  }
}

}  // namespace
}  // namespace onefold
