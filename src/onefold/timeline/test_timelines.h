// SPDX-License-Identifier: Apache-2.0
// What tests of this folder share: events as rows, a CSV file of them, timelines read back, and
// the obvious way to keep timelines, to compare with.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "onefold/timeline/build_timelines.h"
#include "onefold/timeline/event.h"
#include "onefold/timeline/slice_set.h"
#include "onefold/timeline/timeline_reader.h"

namespace onefold {

// One row of test input. The action "like" is explicit, "view" implicit.
struct TestRow {
  int64_t user = 0;
  int64_t time_us = 0;
  int64_t id = 0;
  int64_t item = 0;
  std::string action = "view";
  float watch_time = 1;
};

// What a reader says about one event.
struct SeenEvent {
  int64_t time_us = 0, id = 0, item = 0;
  float watch_time = 0;
  auto operator<=>(const SeenEvent&) const = default;
};
using SeenTimeline = std::vector<SeenEvent>;
using SeenUsers = std::map<int64_t, std::array<SeenTimeline, kNumTimelines>>;

// A directory of this test alone, removed first if an earlier run left it.
std::string fresh_directory(const std::string& name);

void write_csv(const std::string& path, const std::vector<TestRow>& rows);
MappingText test_mapping();

// Six slices of such events: liked items and items by watch time, each over all time and two days.
SliceSet test_slices();

// shared/data/gitlog_events: file changes of public repositories, with a user of 107,806 events.
MappingText gitlog_mapping();
SliceSet gitlog_slices();

// All users of a stream with small batches; fails the test on an error.
SeenUsers read_all(const std::string& directory);
SeenUsers to_seen(const TimelineBatch& batch);

// Timelines kept in maps.
class ReferenceTimelines {
 public:
  explicit ReferenceTimelines(std::array<int64_t, kNumTimelines> max_events)
      : max_events_(max_events) {}

  // REQUIRES: copies of one event have the same time.
  void add(const std::vector<TestRow>& rows);
  SeenUsers seen() const;
  int64_t num_events() const;

 private:
  std::array<int64_t, kNumTimelines> max_events_;
  std::map<int64_t, std::array<std::map<EventKey, SeenEvent>, kNumTimelines>> users_;
};

// `count` rows of `users` users with times in [begin_us, end_us), some ties, a few rows twice.
std::vector<TestRow> random_rows(uint64_t seed, int64_t count, int64_t users, int64_t begin_us,
                                 int64_t end_us);

}  // namespace onefold
