// SPDX-License-Identifier: Apache-2.0
#include "onefold/timeline/build_timelines.h"

#include <algorithm>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "onefold/base/files.h"
#include "onefold/timeline/test_timelines.h"
#include "onefold/timeline/timeline_store.h"

namespace onefold {
namespace {

constexpr std::array<int64_t, kNumTimelines> kCaps = {20, 60};
constexpr TimelineBuildOptions kBuild = {.max_events = kCaps, .range_events = 2000};

// Everything small: several row groups a part, spilled runs, merges after few parts.
TimelineWriteOptions small_options(int max_parts = 3) {
  return {.memory_bytes = 1,
          .spill_directory = {},
          .max_parts = max_parts,
          .parts = {.row_group_events = 200}};
}

std::string csv_of(const std::string& directory, const std::string& name,
                   const std::vector<TestRow>& rows) {
  const std::string path = directory + "/" + name + ".csv";
  write_csv(path, rows);
  return path;
}

IntakeReport ok(const Result<IntakeReport>& report) {
  EXPECT_TRUE(report.ok()) << report.status().message();
  return report.ok() ? *report : IntakeReport();
}

void expect_equal(const std::string& timelines, const ReferenceTimelines& reference) {
  EXPECT_TRUE(read_all(timelines) == reference.seen());
  const auto manifest = read_timeline_manifest(timelines);
  ASSERT_TRUE(manifest.ok());
  EXPECT_EQ(manifest->num_events[0] + manifest->num_events[1], reference.num_events());
  EXPECT_EQ(manifest->num_users, static_cast<int64_t>(reference.seen().size()));
  EXPECT_TRUE(verify_timelines(timelines).ok());
}

TEST(BuildTimelines, EqualsTheReference) {
  const std::string directory = fresh_directory("t");
  const auto rows = random_rows(1, 30000, 300, 0, 1000000);
  ReferenceTimelines reference(kCaps);
  reference.add(rows);
  const IntakeReport report =
      ok(build_timelines(directory + "/timelines", {csv_of(directory, "a", rows)}, test_mapping(),
                         kBuild, small_options()));
  expect_equal(directory + "/timelines", reference);
  EXPECT_EQ(report.rows_read, 30000);
  EXPECT_EQ(report.events_read, report.drops.total() + reference.num_events());
  EXPECT_GT(report.drops[DropReason::kDuplicate], 1000);
  EXPECT_GT(report.drops[DropReason::kOverCap], 1000);
  EXPECT_EQ(report.users_new, static_cast<int64_t>(reference.seen().size()));
}

TEST(BuildTimelines, DayByDayEqualsAtOnce) {
  const std::string directory = fresh_directory("t");
  const std::string timelines = directory + "/timelines";
  ReferenceTimelines reference(kCaps);
  int64_t read = 0, dropped = 0;
  for (int day = 0; day < 12; ++day) {
    // Each day reaches back into the day before: late events, some of them copies.
    auto rows = random_rows(day + 1, 2500, 300, std::max(0, day * 1000 - 900), (day + 1) * 1000);
    if (day > 0) {
      const auto before =
          random_rows(day, 2500, 300, std::max(0, (day - 1) * 1000 - 900), day * 1000);
      rows.insert(rows.end(), before.begin(), before.begin() + 300);
    }
    const std::string csv = csv_of(directory, "day" + std::to_string(day), rows);
    const IntakeReport report =
        day == 0 ? ok(build_timelines(timelines, {csv}, test_mapping(), kBuild, small_options()))
                 : ok(append_timelines(timelines, {csv}, std::nullopt, small_options()));
    read += report.events_read;
    dropped += report.drops.total();
    reference.add(rows);
    EXPECT_EQ(read - dropped, reference.num_events()) << "day " << day;
    expect_equal(timelines, reference);
  }
  const TimelineManifest manifest = *read_timeline_manifest(timelines);
  for (TimelineKind kind : kTimelineKinds) {
    for (int range = 0; range < manifest.num_ranges(kind); ++range) {
      int64_t events = 0;
      const std::vector<int> parts = manifest.parts_of(kind, range);
      for (int part : parts) events += manifest.parts[part].num_events;
      EXPECT_LE(parts.size(), 3u);
      EXPECT_LE(events, 2 * kBuild.range_events);
    }
  }
  EXPECT_GT(manifest.num_ranges(TimelineKind::kImplicit), 3);
}

TEST(BuildTimelines, AppendingAgainChangesNothing) {
  const std::string directory = fresh_directory("t");
  const std::string timelines = directory + "/timelines";
  const std::string csv = csv_of(directory, "a", random_rows(1, 3000, 100, 0, 100000));
  ok(build_timelines(timelines, {csv}, test_mapping(), kBuild, small_options()));
  const SeenUsers before = read_all(timelines);
  const IntakeReport report = ok(append_timelines(timelines, {csv}, std::nullopt, small_options()));
  EXPECT_EQ(report.drops.total(), report.events_read);
  EXPECT_EQ(report.users_touched, 0);
  EXPECT_TRUE(read_all(timelines) == before);
}

// The files of all parts and their contents.
std::map<std::string, std::string> files_of(const std::string& timelines) {
  std::map<std::string, std::string> files;
  const auto names = list_files(timelines);
  EXPECT_TRUE(names.ok());
  for (const std::string& name : *names) {
    if (name != kTimelineManifestName) files[name] = read_file(timelines + "/" + name).value();
  }
  return files;
}

TEST(BuildTimelines, AppendLeavesStoredPartsAlone) {
  const std::string directory = fresh_directory("t");
  const std::string timelines = directory + "/timelines";
  ok(build_timelines(timelines, {csv_of(directory, "a", random_rows(1, 3000, 100, 0, 100000))},
                     test_mapping(), kBuild, small_options()));
  const auto before = files_of(timelines);
  const TestRow row = {.user = 7, .time_us = 200000, .id = 1, .item = 2, .action = "like"};
  const IntakeReport report = ok(
      append_timelines(timelines, {csv_of(directory, "b", {row})}, std::nullopt, small_options()));
  EXPECT_EQ(report.users_touched, 1);
  auto after = files_of(timelines);
  for (const auto& [name, bytes] : before) {
    EXPECT_EQ(after[name], bytes) << name << " was rewritten";
    after.erase(name);
  }
  // One part and the list of changed users.
  ASSERT_EQ(after.size(), 2u);
  EXPECT_TRUE(after.contains(part_path(TimelineKind::kExplicit, 2, 0)));
  EXPECT_TRUE(after.contains(changes_path(2)));
}

TEST(BuildTimelines, ReplacesTimelinesButNothingElse) {
  const std::string directory = fresh_directory("t");
  const std::string timelines = directory + "/timelines";
  const std::string a = csv_of(directory, "a", random_rows(1, 500, 10, 0, 1000));
  const auto rows = random_rows(2, 500, 10, 0, 1000);
  ok(build_timelines(timelines, {a}, test_mapping(), kBuild, small_options()));
  const std::string first_id = read_timeline_manifest(timelines)->version.id;
  ok(build_timelines(timelines, {csv_of(directory, "b", rows)}, test_mapping(), kBuild,
                     small_options()));
  EXPECT_NE(read_timeline_manifest(timelines)->version.id, first_id);
  ReferenceTimelines reference(kCaps);
  reference.add(rows);
  expect_equal(timelines, reference);

  const auto refused = build_timelines(directory, {a}, test_mapping(), kBuild, small_options());
  EXPECT_EQ(refused.status().code(), StatusCode::kInvalidArgument);
  EXPECT_TRUE(path_exists(a));
}

TEST(BuildTimelines, AFailedBuildLeavesNothing) {
  const std::string directory = fresh_directory("t");
  std::ofstream(directory + "/bad.csv") << "user,item\n1,2\n";
  const auto built = build_timelines(directory + "/timelines", {directory + "/bad.csv"},
                                     test_mapping(), kBuild, small_options());
  EXPECT_EQ(built.status().code(), StatusCode::kSchema);
  EXPECT_EQ(list_files(directory)->size(), 1u);
}

TEST(BuildTimelines, OneWriterAtATime) {
  const std::string directory = fresh_directory("t");
  const std::string timelines = directory + "/timelines";
  const std::string csv = csv_of(directory, "a", random_rows(1, 500, 10, 0, 1000));
  ok(build_timelines(timelines, {csv}, test_mapping(), kBuild, small_options()));
  const auto lock = DirectoryLock::acquire(timelines);
  ASSERT_TRUE(lock.ok());
  const auto refused = append_timelines(timelines, {csv}, std::nullopt, small_options());
  EXPECT_EQ(refused.status().code(), StatusCode::kInvalidArgument);
  EXPECT_NE(refused.status().message().find("another process"), std::string::npos);
}

TEST(BuildTimelines, NextWriterRemovesWhatNoManifestNames) {
  const std::string directory = fresh_directory("t");
  const std::string timelines = directory + "/timelines";
  const std::string csv = csv_of(directory, "a", random_rows(1, 500, 10, 0, 1000));
  ok(build_timelines(timelines, {csv}, test_mapping(), kBuild, small_options()));
  const SeenUsers before = read_all(timelines);
  for (const char* left : {"/explicit/g000002-00000.parquet", "/implicit/g000002-00001.parquet.tmp",
                           "/changes/g000002.parquet"}) {
    std::ofstream(timelines + left) << "half a file";
  }
  EXPECT_TRUE(read_all(timelines) == before);
  ok(append_timelines(timelines, {csv}, std::nullopt, small_options()));
  EXPECT_TRUE(read_all(timelines) == before);
  EXPECT_FALSE(path_exists(timelines + "/explicit/g000002-00000.parquet"));
  EXPECT_FALSE(path_exists(timelines + "/implicit/g000002-00001.parquet.tmp"));
  EXPECT_FALSE(path_exists(timelines + "/changes/g000002.parquet"));
}

TEST(BuildTimelines, OptionsThatMakeNoSense) {
  const std::string directory = fresh_directory("t");
  const std::string csv = csv_of(directory, "a", random_rows(1, 10, 10, 0, 1000));
  const std::string to = directory + "/timelines";
  for (const TimelineBuildOptions& build :
       {TimelineBuildOptions{.range_events = 0}, TimelineBuildOptions{.max_events = {-1, 5}},
        TimelineBuildOptions{.max_events = {5, int64_t{1} << 40}}}) {
    EXPECT_EQ(build_timelines(to, {csv}, test_mapping(), build).status().code(),
              StatusCode::kInvalidArgument);
  }
  EXPECT_EQ(append_timelines(to, {csv}).status().code(), StatusCode::kNotFound);
  EXPECT_FALSE(path_exists(to));
}

}  // namespace
}  // namespace onefold
