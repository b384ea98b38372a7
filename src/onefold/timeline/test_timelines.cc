// SPDX-License-Identifier: Apache-2.0
#include "onefold/timeline/test_timelines.h"

#include <filesystem>
#include <fstream>
#include <optional>
#include <random>

#include <fmt/format.h>

namespace onefold {

std::string fresh_directory(const std::string& name) {
  const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
  const std::string path = fmt::format("{}onefold_{}_{}_{}", ::testing::TempDir(),
                                       test->test_suite_name(), test->name(), name);
  std::filesystem::remove_all(path);
  std::filesystem::create_directories(path);
  return path;
}

void write_csv(const std::string& path, const std::vector<TestRow>& rows) {
  std::ofstream out(path);
  out << "user,time,id,item,action,watch\n";
  for (const TestRow& row : rows) {
    out << fmt::format("{},{},{},{},{},{}\n", row.user, row.time_us, row.id, row.item, row.action,
                       row.watch_time);
  }
  ASSERT_TRUE(out.good());
}

MappingText test_mapping() {
  return {.toml = R"(
[columns]
user = "user"
item = "item"
time = "time"
watch_time = "watch"
event_id = "id"
[action]
column = "action"
[timelines]
explicit = ["like"]
implicit = ["view"]
)",
          .source = "test mapping",
          .directory = "."};
}

SliceSet test_slices() {
  return SliceSet::from_toml(R"(
[[slice]]
name = "liked"
timeline = "explicit"
action = "like"
window = ["full", "2d"]

[[slice]]
name = "seen"
timeline = "implicit"
dwell = [{ min = 2 }, { max = 2 }]
window = ["full", "2d"]
)",
                             "test slices")
      .value();
}

MappingText gitlog_mapping() {
  return {.toml = R"([columns]
user = "user_id"
item = "item_id"
topic = "repo_id"
time = { column = "ts", unit = "s" }
event_id = ["commit_id", "item_id", "action"]
[action]
column = "action"
[timelines]
explicit = ["A", "D"]
implicit = ["M"]
ignore = ["T"]
)",
          .source = "gitlog",
          .directory = "."};
}

SliceSet gitlog_slices() {
  return SliceSet::from_toml(R"(
[defaults]
id = ["item", "topic"]
window = ["full", "7d", "3d"]
[[slice]]
name = "added"
timeline = "explicit"
action = "A"
[[slice]]
name = "changed"
timeline = "implicit"
)",
                             "gitlog slices")
      .value();
}

SeenUsers to_seen(const TimelineBatch& batch) {
  SeenUsers users;
  for (int64_t row = 0; row < batch.num_users(); ++row) {
    auto& seen = users[batch.user_id[row]];
    for (TimelineKind kind : kTimelineKinds) {
      const KeyedJaggedTensor& events = batch.events(kind);
      const auto times = events.get<int64_t>("time").row(row);
      for (size_t i = 0; i < times.size(); ++i) {
        seen[static_cast<int>(kind)].push_back(
            {times[i], events.get<int64_t>("event_id").row(row)[i],
             events.get<int64_t>("item").row(row)[i], events.get<float>("watch_time").row(row)[i]});
      }
    }
  }
  return users;
}

SeenUsers read_all(const std::string& directory) {
  SeenUsers users;
  auto reader = TimelineReader::open(directory, {.max_batch_users = 7});
  EXPECT_TRUE(reader.ok()) << reader.status().message();
  if (!reader.ok()) return users;
  std::optional<int64_t> last;
  for (;;) {
    auto batch = (*reader)->next();
    EXPECT_TRUE(batch.ok()) << batch.status().message();
    if (!batch.ok() || !*batch) return users;
    for (int64_t user : (*batch)->user_id) {
      EXPECT_TRUE(!last || *last < user) << "users out of order";
      last = user;
    }
    users.merge(to_seen(**batch));
  }
}

void ReferenceTimelines::add(const std::vector<TestRow>& rows) {
  for (const TestRow& row : rows) {
    const int kind = row.action == "like" ? 0 : 1;
    auto& timeline = users_[row.user][kind];
    timeline.emplace(EventKey{row.time_us, row.id},
                     SeenEvent{row.time_us, row.id, row.item, row.watch_time});
    if (static_cast<int64_t>(timeline.size()) > max_events_[kind]) {
      timeline.erase(timeline.begin());
    }
  }
}

SeenUsers ReferenceTimelines::seen() const {
  SeenUsers users;
  for (const auto& [user, timelines] : users_) {
    for (int kind = 0; kind < kNumTimelines; ++kind) {
      for (const auto& [key, event] : timelines[kind]) users[user][kind].push_back(event);
    }
  }
  return users;
}

int64_t ReferenceTimelines::num_events() const {
  int64_t count = 0;
  for (const auto& [user, timelines] : users_) {
    for (const auto& timeline : timelines) count += static_cast<int64_t>(timeline.size());
  }
  return count;
}

std::vector<TestRow> random_rows(uint64_t seed, int64_t count, int64_t users, int64_t begin_us,
                                 int64_t end_us) {
  std::mt19937_64 random(seed);
  std::vector<TestRow> rows;
  for (int64_t i = 0; i < count; ++i) {
    if (i % 20 == 19) {
      rows.push_back(rows[random() % rows.size()]);  // a copy
      continue;
    }
    TestRow row;
    // Squared: some users have much more than others.
    const double position = static_cast<double>(random() % 1000) / 1000;
    row.user = static_cast<int64_t>(position * position * static_cast<double>(users));
    row.time_us = begin_us + static_cast<int64_t>(random() % (end_us - begin_us)) / 10 * 10;
    row.id = static_cast<int64_t>(random());
    row.item = static_cast<int64_t>(random() % 50);
    row.action = random() % 3 == 0 ? "like" : "view";
    row.watch_time = static_cast<float>(random() % 100);
    rows.push_back(row);
  }
  return rows;
}

}  // namespace onefold
