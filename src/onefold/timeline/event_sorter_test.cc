// SPDX-License-Identifier: Apache-2.0
#include "onefold/timeline/event_sorter.h"

#include <algorithm>
#include <filesystem>
#include <random>
#include <tuple>

#include <gtest/gtest.h>

#include "onefold/timeline/test_timelines.h"

namespace onefold {
namespace {

using Key = std::tuple<int64_t, int, int64_t, int64_t, int64_t>;

Key key_of_all(const Event& event) {
  return {event.user_id, static_cast<int>(event.timeline), event.at(EventColumn::kTime),
          event.at(EventColumn::kEventId), event.arrival};
}

// Sorts `count` random events with `memory_bytes` and compares with std::sort.
void check_sorted(int64_t count, int64_t memory_bytes, int64_t min_runs) {
  std::mt19937_64 random(7);
  const std::string directory = fresh_directory("spill");
  EventSorter sorter(directory, memory_bytes);
  std::vector<Key> expected;
  for (int64_t i = 0; i < count; ++i) {
    Event event;
    event.user_id = static_cast<int64_t>(random() % 50) - 25;
    event.timeline = random() % 2 ? TimelineKind::kImplicit : TimelineKind::kExplicit;
    event.at(EventColumn::kTime) = static_cast<int64_t>(random() % 1000) - 500;
    event.at(EventColumn::kEventId) = static_cast<int64_t>(random() % 4);
    ASSERT_TRUE(sorter.add(event).ok());
    event.arrival = i;
    expected.push_back(key_of_all(event));
  }
  ASSERT_TRUE(sorter.finish().ok());
  EXPECT_GE(sorter.num_spilled_runs(), min_runs);
  EXPECT_TRUE(std::filesystem::is_empty(directory)) << "spill files have a name";
  std::sort(expected.begin(), expected.end());
  for (int64_t i = 0; i < count; ++i) {
    auto event = sorter.next();
    ASSERT_TRUE(event.ok()) << event.status().message();
    ASSERT_NE(*event, nullptr) << "ends after " << i;
    ASSERT_EQ(key_of_all(**event), expected[i]) << i;
  }
  auto end = sorter.next();
  ASSERT_TRUE(end.ok());
  EXPECT_EQ(*end, nullptr);
}

TEST(EventSorter, InMemory) { check_sorted(20000, 64 << 20, 0); }
TEST(EventSorter, Empty) { check_sorted(0, 1 << 20, 0); }
TEST(EventSorter, Spilled) { check_sorted(60000, 1 << 20, 4); }
// 4096 events fit and 2 runs can be merged at once: several rounds of merging.
TEST(EventSorter, MoreRunsThanCanBeMergedAtOnce) { check_sorted(70000, 1, 17); }

TEST(EventSorter, SpillDirectoryThatIsNotThere) {
  EventSorter sorter("/nonexistent/onefold", 1);
  Status status;
  for (int i = 0; i < 10000 && status.ok(); ++i) status = sorter.add(Event());
  EXPECT_EQ(status.code(), StatusCode::kIoError);
  EXPECT_NE(status.message().find("/nonexistent/onefold"), std::string::npos);
}

}  // namespace
}  // namespace onefold
