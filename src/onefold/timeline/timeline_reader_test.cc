// SPDX-License-Identifier: Apache-2.0
#include "onefold/timeline/timeline_reader.h"

#include <algorithm>
#include <filesystem>
#include <limits>
#include <set>

#include <gtest/gtest.h>

#include "onefold/base/files.h"
#include "onefold/timeline/test_timelines.h"

namespace onefold {
namespace {

// Timelines of 300 users in several ranges: a build and two appends that stay apart as parts.
class TimelineReaderTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const std::string directory = fresh_directory("t");
    timelines_ = directory + "/timelines";
    TimelineWriteOptions options;
    options.parts.row_group_events = 300;
    options.max_parts = 10;
    for (int day = 0; day < 3; ++day) {
      const auto rows = random_rows(day + 1, day == 0 ? 9000 : 600, day == 2 ? 20 : 300, day * 1000,
                                    day * 1000 + 1500);
      const std::string csv = directory + "/" + std::to_string(day) + ".csv";
      write_csv(csv, rows);
      const auto report =
          day == 0 ? build_timelines(timelines_, {csv}, test_mapping(),
                                     {.max_events = {30, 50}, .range_events = 900}, options)
                   : append_timelines(timelines_, {csv}, std::nullopt, options);
      ASSERT_TRUE(report.ok()) << report.status().message();
      reference_.add(rows);
      versions_.push_back(read_timeline_manifest(timelines_)->version);
      days_.push_back(rows);
    }
    expected_ = reference_.seen();
  }

  std::unique_ptr<TimelineReader> open(const TimelineReadOptions& options = {}) {
    auto reader = TimelineReader::open(timelines_, options);
    EXPECT_TRUE(reader.ok()) << reader.status().message();
    return std::move(*reader);
  }

  std::string timelines_;
  ReferenceTimelines reference_{{30, 50}};
  SeenUsers expected_;
  std::vector<TimelineVersion> versions_;
  std::vector<std::vector<TestRow>> days_;
};

std::vector<TimelineBatch> drain(TimelineReader& reader) {
  std::vector<TimelineBatch> batches;
  for (;;) {
    auto batch = reader.next();
    EXPECT_TRUE(batch.ok()) << batch.status().message();
    if (!batch.ok() || !*batch) return batches;
    batches.push_back(std::move(**batch));
  }
}

TEST_F(TimelineReaderTest, StreamsEveryUserOnceInOrder) {
  EXPECT_TRUE(read_all(timelines_) == expected_);
}

TEST_F(TimelineReaderTest, BatchesEndAtTheirLimits) {
  auto reader = open({.max_batch_events = 200});
  const auto batches = drain(*reader);
  EXPECT_GT(batches.size(), 20u);
  for (const TimelineBatch& batch : batches) {
    EXPECT_LT(batch.events(TimelineKind::kExplicit).get<int64_t>("time").num_values() +
                  batch.events(TimelineKind::kImplicit).get<int64_t>("time").num_values(),
              200 + 80);
    EXPECT_EQ(batch.events(TimelineKind::kExplicit).num_keys(), kNumEventColumns);
  }
}

TEST_F(TimelineReaderTest, ProjectionReadsFewerBytesAndTheSameRows) {
  auto all = open(), some = open({.columns = {EventColumn::kItem}});
  const auto full = drain(*all), projected = drain(*some);
  ASSERT_EQ(full.size(), projected.size());
  for (size_t i = 0; i < full.size(); ++i) {
    for (TimelineKind kind : kTimelineKinds) {
      EXPECT_EQ(projected[i].events(kind).num_keys(), 1);
      EXPECT_EQ(projected[i].events(kind).get<int64_t>("item"),
                full[i].events(kind).get<int64_t>("item"));
    }
  }
  EXPECT_LT(some->bytes_read(), all->bytes_read());
}

TEST_F(TimelineReaderTest, NewestOnlyAndTimelinesLeftOut) {
  auto reader = open({.max_events = {0, 4}});
  for (const TimelineBatch& batch : drain(*reader)) {
    const auto& times = batch.events(TimelineKind::kImplicit).get<int64_t>("time");
    EXPECT_EQ(batch.events(TimelineKind::kExplicit).get<int64_t>("time").num_values(), 0);
    for (int64_t row = 0; row < batch.num_users(); ++row) {
      const SeenTimeline& timeline = expected_[batch.user_id[row]][1];
      ASSERT_EQ(times.length(row), std::min<int64_t>(4, static_cast<int64_t>(timeline.size())));
      EXPECT_EQ(times.row(row).back(), timeline.back().time_us);
    }
  }
}

TEST_F(TimelineReaderTest, AnyUsersInAnyOrder) {
  std::vector<int64_t> users = {7, 7, 123456, 0, 250};  // a repeat and an unknown user
  for (const auto& [user, timelines] : expected_) users.push_back(user);
  std::reverse(users.begin(), users.end());
  auto reader = open({.cache_bytes = 1});
  const auto batch = reader->read_users(users);
  ASSERT_TRUE(batch.ok()) << batch.status().message();
  EXPECT_EQ(batch->user_id, users);
  for (size_t i = 0; i < users.size(); ++i) {
    for (TimelineKind kind : kTimelineKinds) {
      const auto& items = batch->events(kind).get<int64_t>("item");
      std::vector<int64_t> expected_items;
      if (expected_.contains(users[i])) {
        for (const SeenEvent& event : expected_[users[i]][static_cast<int>(kind)]) {
          expected_items.push_back(event.item);
        }
      }
      const auto row = items.row(static_cast<int64_t>(i));
      EXPECT_EQ(std::vector<int64_t>(row.begin(), row.end()), expected_items) << users[i];
    }
  }
  const auto none = reader->read_users({});
  ASSERT_TRUE(none.ok());
  EXPECT_EQ(none->num_users(), 0);
}

TEST_F(TimelineReaderTest, CachedRowGroupsAreNotReadAgain) {
  auto reader = open();
  const std::vector<int64_t> users = {1, 2, 3};
  ASSERT_TRUE(reader->read_users(users).ok());
  const int64_t once = reader->bytes_read();
  ASSERT_TRUE(reader->read_users(users).ok());
  EXPECT_EQ(reader->bytes_read(), once);
}

TEST_F(TimelineReaderTest, ResumesAfterAnyBatch) {
  auto reader = open({.max_batch_users = 11});
  SeenUsers seen;
  for (;;) {
    auto batch = reader->next();
    ASSERT_TRUE(batch.ok());
    if (!*batch) break;
    seen.merge(to_seen(**batch));
    // Another reader takes over.
    reader = open({.max_batch_users = 11});
    ASSERT_TRUE(reader->seek_after((*batch)->user_id.back()).ok());
  }
  EXPECT_TRUE(seen == expected_);
}

TEST_F(TimelineReaderTest, RanksShareTheUsers) {
  SeenUsers seen;
  size_t count = 0;
  for (int rank = 0; rank < 3; ++rank) {
    auto reader = open({.rank = rank, .world_size = 3});
    for (const TimelineBatch& batch : drain(*reader)) {
      count += batch.user_id.size();
      seen.merge(to_seen(batch));
    }
    EXPECT_GT(count, 0u);
  }
  EXPECT_EQ(count, expected_.size());
  EXPECT_TRUE(seen == expected_);
}

TEST_F(TimelineReaderTest, MoreRanksThanRanges) {
  size_t count = 0;
  for (int rank = 0; rank < 50; ++rank) {
    auto reader = open({.rank = rank, .world_size = 50});
    for (const TimelineBatch& batch : drain(*reader)) count += batch.user_id.size();
  }
  EXPECT_EQ(count, expected_.size());
}

TEST_F(TimelineReaderTest, SeekAfterTheLastUser) {
  auto reader = open();
  ASSERT_TRUE(reader->seek_after(expected_.rbegin()->first - 1).ok());
  EXPECT_EQ(drain(*reader).size(), 1u);
  ASSERT_TRUE(reader->seek_after(std::numeric_limits<int64_t>::max()).ok());
  EXPECT_TRUE(drain(*reader).empty());
}

TEST_F(TimelineReaderTest, ChangedUsers) {
  auto reader = open();
  const auto changed_after = [&](int64_t day) {
    const auto users = reader->users_changed_since(versions_[day]);
    EXPECT_TRUE(users.ok()) << users.status().message();
    return std::set<int64_t>(users->begin(), users->end());
  };
  EXPECT_TRUE(changed_after(2).empty());
  // Everybody whose timeline differs from the day before has changed, and nobody else was read.
  std::set<int64_t> touched;
  for (const TestRow& row : days_[2]) touched.insert(row.user);
  const std::set<int64_t> last_day = changed_after(1);
  EXPECT_FALSE(last_day.empty());
  EXPECT_TRUE(std::includes(touched.begin(), touched.end(), last_day.begin(), last_day.end()));
  ReferenceTimelines before({30, 50});
  before.add(days_[0]);
  before.add(days_[1]);
  SeenUsers seen_before = before.seen();
  for (const auto& [user, timelines] : expected_) {
    EXPECT_TRUE(seen_before[user] == timelines || last_day.contains(user)) << user;
  }
  EXPECT_GT(changed_after(0).size(), last_day.size());
  EXPECT_EQ(reader->users_changed_since({"another", 1}).status().code(), StatusCode::kNotFound);
}

TEST_F(TimelineReaderTest, AnOpenReaderKeepsItsStateOverOneCommit) {
  auto reader = open({.max_batch_users = 10});
  ASSERT_TRUE(reader->next().ok());
  const std::string csv = timelines_ + "/../more.csv";
  write_csv(csv, random_rows(9, 500, 300, 90000, 99000));
  TimelineWriteOptions options;
  options.max_parts = 1;  // replaces every part
  ASSERT_TRUE(append_timelines(timelines_, {csv}, std::nullopt, options).ok());
  EXPECT_TRUE(reader->seek_after(std::numeric_limits<int64_t>::min()).ok());
  SeenUsers seen;
  for (const TimelineBatch& batch : drain(*reader)) seen.merge(to_seen(batch));
  EXPECT_TRUE(seen == expected_);
}

TEST_F(TimelineReaderTest, DamageIsNamed) {
  const TimelineManifest manifest = *read_timeline_manifest(timelines_);
  const std::string path = timelines_ + "/" + manifest.parts[0].path;
  std::string bytes = read_file(path).value();
  bytes[bytes.size() / 4] = static_cast<char>(bytes[bytes.size() / 4] ^ 1);
  ASSERT_TRUE(write_file_atomic(path, bytes).ok());
  EXPECT_EQ(verify_timelines(timelines_).code(), StatusCode::kDataLoss);
  auto reader = open();
  Status status;
  for (;;) {
    auto batch = reader->next();
    status = batch.status();
    if (!batch.ok() || !*batch) break;
  }
  EXPECT_EQ(status.code(), StatusCode::kDataLoss);
  EXPECT_NE(status.message().find(manifest.parts[0].path), std::string::npos) << status.message();
  std::filesystem::remove(path);
  EXPECT_EQ(open()->next().status().code(), StatusCode::kNotFound);
}

}  // namespace
}  // namespace onefold
