// SPDX-License-Identifier: Apache-2.0
// Parts: what is written is read back, and damage is noticed.
#include <cmath>
#include <cstring>
#include <fstream>
#include <random>

#include <gtest/gtest.h>

#include "onefold/base/files.h"
#include "onefold/timeline/event_intake.h"
#include "onefold/timeline/part_cursor.h"
#include "onefold/timeline/test_timelines.h"
#include "onefold/timeline/timeline_part_reader.h"
#include "onefold/timeline/timeline_part_writer.h"

namespace onefold {
namespace {

using Users = std::vector<std::pair<int64_t, EventColumns>>;

// Users with 1 to 40 events each; optional cells are missing at random.
Users random_users(int count) {
  std::mt19937_64 random(5);
  Users users;
  for (int u = 0; u < count; ++u) {
    EventColumns events;
    const int num_events = 1 + static_cast<int>(random() % 40);
    for (int i = 0; i < num_events; ++i) {
      Event event = blank_event();
      event.at(EventColumn::kItem) = static_cast<int64_t>(random());
      event.at(EventColumn::kTime) = 1000 * u + i;
      event.at(EventColumn::kEventId) = static_cast<int64_t>(random());
      event.at(EventColumn::kAction) = static_cast<int64_t>(random() % 5);
      if (random() % 2) event.at(EventColumn::kAuthor) = static_cast<int64_t>(random() % 9);
      if (random() % 2) event.at(EventColumn::kSurface) = 32766;
      if (random() % 2) event.seconds(EventColumn::kWatchTime) = 1.5f;
      events.push(event);
    }
    users.emplace_back(u * 3 - 20, std::move(events));
  }
  return users;
}

TimelinePart write_part(const std::string& path, const Users& users, int64_t row_group_events) {
  auto writer = TimelinePartWriter::create(path, {.row_group_events = row_group_events});
  EXPECT_TRUE(writer.ok()) << writer.status().message();
  for (const auto& [user, events] : users) EXPECT_TRUE((*writer)->add(user, events).ok());
  auto part = (*writer)->close();
  EXPECT_TRUE(part.ok()) << part.status().message();
  return *part;
}

bool equal(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * 4) == 0);
}

TEST(TimelinePart, ReadsBackWhatWasWritten) {
  const std::string path = fresh_directory("part") + "/a.parquet";
  const Users users = random_users(60);
  const TimelinePart part = write_part(path, users, 100);
  EXPECT_EQ(part.num_users, 60);
  EXPECT_EQ(part.first_user, -20);
  EXPECT_EQ(part.last_user, 59 * 3 - 20);
  EXPECT_EQ(part.oldest_time_us, 0);
  EXPECT_EQ(part.bytes, static_cast<int64_t>(file_size(path).value()));

  auto reader = TimelinePartReader::open(path);
  ASSERT_TRUE(reader.ok()) << reader.status().message();
  EXPECT_GT((*reader)->num_row_groups(), 5);
  size_t next = 0;
  for (int group = 0; group < (*reader)->num_row_groups(); ++group) {
    auto rows = (*reader)->read(group, ColumnSet::all());
    ASSERT_TRUE(rows.ok()) << rows.status().message();
    EXPECT_EQ((*rows)->user_id.back(), (*reader)->last_user(group));
    for (int64_t row = 0; row < (*rows)->num_rows(); ++row, ++next) {
      ASSERT_LT(next, users.size());
      EXPECT_EQ((*rows)->user_id[row], users[next].first);
      EventColumns seen;
      seen.append((*rows)->events, (*rows)->offsets[row], (*rows)->offsets[row + 1]);
      EXPECT_EQ(seen.ints, users[next].second.ints) << "user " << users[next].first;
      EXPECT_TRUE(equal(seen.floats[0], users[next].second.floats[0]));
      EXPECT_TRUE(equal(seen.floats[1], users[next].second.floats[1]));
    }
  }
  EXPECT_EQ(next, users.size());
}

TEST(TimelinePart, ReadsOnlyTheColumnsAskedFor) {
  const std::string path = fresh_directory("part") + "/a.parquet";
  write_part(path, random_users(60), 1000000);
  auto all = TimelinePartReader::open(path), one = TimelinePartReader::open(path);
  ASSERT_TRUE((*all)->read(0, ColumnSet::all()).ok());
  auto rows = (*one)->read(0, ColumnSet().with(EventColumn::kTime));
  ASSERT_TRUE(rows.ok());
  EXPECT_EQ((*rows)->events.num_events, (*rows)->offsets.back());
  EXPECT_TRUE((*rows)->events.at(EventColumn::kItem).empty());
  EXPECT_LT((*one)->bytes_read() * 3, (*all)->bytes_read());
}

TEST(TimelinePart, CursorSkipsRowGroupsUnread) {
  const std::string path = fresh_directory("part") + "/a.parquet";
  const Users users = random_users(200);
  write_part(path, users, 100);
  auto reader = TimelinePartReader::open(path);
  std::vector<int> fetched;
  const std::shared_ptr<TimelinePartReader> part = std::move(*reader);
  PartCursor cursor(part, [&](int group) {
    fetched.push_back(group);
    return part->read(group, ColumnSet().with(EventColumn::kTime));
  });
  ASSERT_TRUE(cursor.seek(users[150].first - 1).ok());  // between two users
  ASSERT_FALSE(cursor.done());
  EXPECT_EQ(cursor.user_id(), users[150].first);
  EXPECT_EQ(cursor.run().end - cursor.run().begin, users[150].second.num_events);
  EXPECT_EQ(fetched.size(), 1u);
  ASSERT_TRUE(cursor.seek(users[199].first).ok());
  EXPECT_EQ(cursor.user_id(), users[199].first);
  EXPECT_LE(fetched.size(), 2u);
  ASSERT_TRUE(cursor.seek(users[199].first + 1).ok());
  EXPECT_TRUE(cursor.done());
}

TEST(TimelinePart, EveryFlippedByteIsNoticedOrHarmless) {
  const std::string directory = fresh_directory("part");
  const std::string path = directory + "/a.parquet";
  write_part(path, random_users(4), 1000);
  const std::string good = read_file(path).value();
  auto reader = TimelinePartReader::open(path);
  const auto expected = (*reader)->read(0, ColumnSet::all()).value();

  int64_t noticed = 0;
  for (size_t at = 0; at < good.size(); ++at) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 0x15);
    const std::string damaged = directory + "/b.parquet";
    std::ofstream(damaged, std::ios::binary) << bad;
    auto opened = TimelinePartReader::open(damaged);
    if (!opened.ok()) {
      EXPECT_NE(opened.status().message().find(damaged), std::string::npos);
      ++noticed;
      continue;
    }
    if ((*opened)->num_row_groups() != 1) {
      ++noticed;
      continue;
    }
    auto rows = (*opened)->read(0, ColumnSet::all());
    if (!rows.ok()) {
      EXPECT_NE(rows.status().message().find(damaged), std::string::npos);
      ++noticed;
      continue;
    }
    // Damage to statistics or to the writer's name changes no event.
    EXPECT_EQ((*rows)->events.ints, expected->events.ints) << "byte " << at;
    EXPECT_EQ((*rows)->offsets, expected->offsets) << "byte " << at;
    EXPECT_EQ((*rows)->user_id, expected->user_id) << "byte " << at;
  }
  EXPECT_GT(noticed, static_cast<int64_t>(good.size()) / 2);
}

TEST(TimelinePart, TruncatedAndForeignFilesAreRefused) {
  const std::string directory = fresh_directory("part");
  write_part(directory + "/a.parquet", random_users(4), 1000);
  const std::string good = read_file(directory + "/a.parquet").value();
  std::ofstream(directory + "/cut.parquet", std::ios::binary) << good.substr(0, good.size() / 2);
  EXPECT_EQ(TimelinePartReader::open(directory + "/cut.parquet").status().code(),
            StatusCode::kDataLoss);
  EXPECT_EQ(TimelinePartReader::open(directory + "/absent.parquet").status().code(),
            StatusCode::kNotFound);
}

}  // namespace
}  // namespace onefold
