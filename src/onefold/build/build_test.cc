// SPDX-License-Identifier: Apache-2.0
#include "onefold/build/build.h"

#include "onefold/base/files.h"
#include "onefold/build/test_logs.h"

namespace onefold {
namespace {

constexpr int64_t kSecond = 1000000;
constexpr int64_t kDay = 86400 * kSecond;

// Two sessions of two users whose requests alternate in time; session 20 sees histories A, B, A.
std::vector<RequestSpec> requests() {
  return {{.session = 20,
           .user = 2,
           .request = 100,
           .time_us = 1 * kSecond,
           .viewed = {1, 2},
           .items = {5, 6, 7}},
          {.session = 10,
           .user = 1,
           .request = 101,
           .time_us = 2 * kSecond,
           .viewed = {3},
           .items = {6}},
          {.session = 20,
           .user = 2,
           .request = 102,
           .time_us = 3 * kSecond,
           .viewed = {1, 2, 5},
           .items = {8, 5}},
          {.session = 10,
           .user = 1,
           .request = 103,
           .time_us = 4 * kSecond,
           .viewed = {},
           .items = {9}},
          {.session = 20,
           .user = 2,
           .request = 104,
           .time_us = 5 * kSecond,
           .viewed = {1, 2},
           .items = {9, 9}}};
}

std::vector<EventSpec> events() {
  return {{100, 6, 2 * kSecond, "click", 0},
          {102, 5, 9 * kSecond, "click", 0},
          {102, 5, 9 * kSecond, "watch", 4},
          {104, 9, 9 * kSecond, "watch", 1.5f},
          {100, 8, 9 * kSecond, "click", 0}};  // 100 did not show 8
}

std::string log_of(const std::vector<RequestSpec>& requests, const std::vector<EventSpec>& events,
                   const LogOptions& options = {}) {
  const std::string path = test_path("logs");
  write_log(path, requests, events, options);
  return path;
}

BuildOptions unpartitioned() {
  BuildOptions options;
  options.cluster.partition = PartitionBy::kNone;
  return options;
}

TEST(BuildTest, SamplesAreJoinedAndInSessionOrder) {
  const std::string table = test_path("t");
  const BuildStats stats =
      expect_ok(build_table(log_of(requests(), events()), table, unpartitioned()));
  const std::vector<Batch> batches = read_table(table);
  ASSERT_EQ(batches.size(), 1u);
  const Batch& batch = batches[0];
  check_batch(batch, log_schema());
  EXPECT_EQ(batch.session_id, (std::vector<int64_t>{10, 10, 20, 20, 20, 20, 20, 20, 20}));
  EXPECT_EQ(batch.user_id, (std::vector<int64_t>{1, 1, 2, 2, 2, 2, 2, 2, 2}));
  EXPECT_EQ(batch.request_id, (std::vector<int64_t>{101, 103, 100, 100, 100, 102, 102, 104, 104}));
  EXPECT_EQ(batch.item_id, (std::vector<int64_t>{6, 9, 5, 6, 7, 8, 5, 9, 9}));
  EXPECT_EQ(batch.time_us[2], 1 * kSecond);
  EXPECT_EQ(batch.labels.values,
            (std::vector<float>{0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 4, 0, 1.5f, 0, 1.5f}));
  for (int64_t i = 0; i < batch.num_samples(); ++i) {
    EXPECT_EQ(batch.dense.values[2 * i], static_cast<float>(batch.user_id[i]));
    EXPECT_EQ(batch.dense.values[2 * i + 1], static_cast<float>(batch.item_id[i]) / 2);
    EXPECT_EQ(batch.features.get<int64_t>("topic").row(i)[0], batch.item_id[i] + 200);
    const auto country = batch.features.get<int64_t>("country").row(i);
    const std::vector<int64_t> expected = {batch.user_id[i] + 100};
    EXPECT_EQ(std::vector<int64_t>(country.begin(), country.end()),
              batch.user_id[i] % 2 == 0 ? expected : std::vector<int64_t>());
  }
  EXPECT_EQ(stats.samples, 9);
  EXPECT_EQ(stats.requests, 5);
  EXPECT_EQ(stats.sessions, 2);
  EXPECT_EQ(stats.users, 2);
  EXPECT_EQ(stats.labels[0].positives, 2);
  EXPECT_EQ(stats.labels[1].positives, 3);
  EXPECT_EQ(stats.labels[1].sum, 7);
  EXPECT_EQ(stats.labels[0].events, 2);  // the click on 8 made no label
  EXPECT_EQ(expect_ok(read_manifest(table)).label_events[1].events, 2);
  EXPECT_EQ(stats.join.events, 5);
  EXPECT_EQ(stats.join.orphans, 1);
}

TEST(BuildTest, AHistoryThatComesBackIsStoredOnce) {
  const std::string table = test_path("t");
  const BuildStats stats =
      expect_ok(build_table(log_of(requests(), events()), table, unpartitioned()));
  const Batch batch = read_table(table).at(0);
  const InverseKeyedJaggedTensor& history = batch.find_group("history")->features;
  EXPECT_EQ(history.num_unique(), 4);  // {3}, {}, {1,2}, {1,2,5}
  EXPECT_EQ(history.inverse_indices(), (std::vector<int32_t>{0, 1, 2, 2, 2, 3, 3, 2, 2}));
  EXPECT_EQ(history.unique().get<int64_t>("viewed").values(),
            (std::vector<int64_t>{3, 1, 2, 1, 2, 5}));
  EXPECT_EQ(history.unique().get<float>("dwell").values(),
            (std::vector<float>{1.5f, 0.5f, 1, 0.5f, 1, 2.5f}));
  // Item groups are folded over candidates: only item 9 of request 104 comes twice.
  const InverseKeyedJaggedTensor& content = batch.find_group("content")->features;
  EXPECT_EQ(content.num_unique(), 8);
  EXPECT_EQ(content.inverse_indices()[7], content.inverse_indices()[8]);
  EXPECT_EQ(stats.groups[0].group, "history");
  EXPECT_EQ(stats.groups[0].unique, 4);
  EXPECT_EQ(stats.groups[0].unique_values, 12);
  EXPECT_EQ(stats.groups[0].sample_values, 2 * (1 + 0 + 3 * 2 + 2 * 3 + 2 * 2));
}

TEST(BuildTest, AWindowedGroupHoldsTheSameSamples) {
  const std::string logs = log_of(requests(), events());
  const std::string exact = test_path("exact"), windowed = test_path("windowed");
  BuildOptions options = unpartitioned();
  expect_ok(build_table(logs, exact, options));
  options.windowed_groups = {"history"};
  const BuildStats stats = expect_ok(build_table(logs, windowed, options));
  EXPECT_EQ(read_table(windowed), read_table(exact));
  // User 1: [3] and []; user 2: [1, 2] and [1, 2, 5]. One row each.
  const GroupStats& history = stats.groups.at(0);
  EXPECT_EQ(history.group, "history");
  EXPECT_EQ(history.unique, 2);
  EXPECT_EQ(history.windows, 4);
  EXPECT_EQ(history.unique_values, 2 * (1 + 3));  // viewed and dwell
  options.windowed_groups = {"pages"};
  const auto refused = build_table(logs, test_path("refused"), options);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.status().code(), StatusCode::kInvalidArgument);
  EXPECT_NE(refused.status().message().find("history, content"), std::string::npos);
}

TEST(BuildTest, PlainAndFoldedHoldTheSameSamples) {
  const std::string logs = log_of(requests(), events());
  for (const SampleOrder order : {SampleOrder::kSession, SampleOrder::kArrival}) {
    std::vector<std::vector<Batch>> read;
    for (const TableLayout layout : {TableLayout::kPlain, TableLayout::kFolded}) {
      BuildOptions options = unpartitioned();
      options.cluster.order = order;
      options.cluster.row_group_samples = 4;
      options.layout = layout;
      const std::string table = test_path(to_string(layout));
      expect_ok(build_table(logs, table, options));
      read.push_back(read_table(table, {.columns = {}, .fold = false}));
      EXPECT_GT(read.back().size(), 1u);
    }
    EXPECT_EQ(read[0], read[1]);
  }
}

TEST(BuildTest, ArrivalOrderIsByTime) {
  BuildOptions options = unpartitioned();
  options.cluster.order = SampleOrder::kArrival;
  const std::string table = test_path("t");
  expect_ok(build_table(log_of(requests(), events()), table, options));
  EXPECT_EQ(read_table(table).at(0).request_id,
            (std::vector<int64_t>{100, 100, 100, 101, 102, 102, 103, 104, 104}));
}

TEST(BuildTest, PartitionsAreDirectoriesByTime) {
  std::vector<RequestSpec> all = requests();
  all[4].time_us = kDay + 7 * 3600 * kSecond;
  const std::string logs = log_of(all, events());
  const std::string days = test_path("days"), hours = test_path("hours");
  BuildOptions options;
  const BuildStats stats = expect_ok(build_table(logs, days, options));
  EXPECT_EQ(stats.split_sessions, 1);
  EXPECT_EQ(stats.sessions, 2);
  Manifest manifest = expect_ok(read_manifest(days));
  EXPECT_EQ(manifest.num_sessions, 2);
  ASSERT_EQ(manifest.parts.size(), 2u);
  EXPECT_EQ(manifest.parts[0].partition, "dt=1970-01-01");
  EXPECT_EQ(manifest.parts[1].partition, "dt=1970-01-02");
  EXPECT_EQ(read_table(days).at(1).request_id, (std::vector<int64_t>{104, 104}));
  options.cluster.partition = PartitionBy::kHour;
  expect_ok(build_table(logs, hours, options));
  manifest = expect_ok(read_manifest(hours));
  EXPECT_EQ(manifest.parts[1].partition, "dt=1970-01-02/hr=07");
}

TEST(BuildTest, ShardingOfTheLogDoesNotMatter) {
  const std::string a = test_path("a"), b = test_path("b");
  expect_ok(build_table(log_of(requests(), events(), {.num_shards = 1}), a, unpartitioned()));
  expect_ok(
      build_table(log_of(requests(), events(), {.shard_by = ShardBy::kRequest, .num_shards = 5}), b,
                  unpartitioned()));
  EXPECT_EQ(read_table(a), read_table(b));
}

TEST(BuildTest, TwoBuildsAreTheSameBytes) {
  const std::string logs = log_of(requests(), events());
  for (const TableLayout layout : {TableLayout::kPlain, TableLayout::kFolded}) {
    BuildOptions options;
    options.layout = layout;
    const std::string a = test_path("a"), b = test_path("b");
    expect_ok(build_table(logs, a, options));
    expect_ok(build_table(logs, b, options));
    const std::vector<std::string> files = list_files(a).value();
    ASSERT_EQ(files, list_files(b).value());
    for (const std::string& file : files) {
      EXPECT_EQ(read_file(a + "/" + file).value(), read_file(b + "/" + file).value()) << file;
    }
  }
}

TEST(BuildTest, DuplicateAndEmptyRequestsAreCountedAndLeftOut) {
  std::vector<RequestSpec> all = requests();
  all.push_back(all[1]);
  all.back().items = {77, 78};
  all.push_back(
      {.session = 10, .user = 1, .request = 200, .time_us = 9, .viewed = {4}, .items = {}});
  const std::string table = test_path("t"), expected = test_path("expected");
  const BuildStats stats =
      expect_ok(build_table(log_of(all, events(), {.num_shards = 1}), table, unpartitioned()));
  EXPECT_EQ(stats.duplicate_requests, 1);
  EXPECT_EQ(stats.empty_requests, 1);
  EXPECT_EQ(stats.requests, 5);
  expect_ok(build_table(log_of(requests(), events()), expected, unpartitioned()));
  EXPECT_EQ(read_table(table), read_table(expected));  // the first 101, and no row for 200
}

TEST(BuildTest, APeriodLeavesOutRequestsAndTheirEvents) {
  constexpr int64_t kFromUs = 2 * kSecond, kUntilUs = 4 * kSecond;
  std::vector<RequestSpec> in_period;
  for (const RequestSpec& request : requests()) {
    if (request.time_us >= kFromUs && request.time_us < kUntilUs) in_period.push_back(request);
  }
  ASSERT_FALSE(in_period.empty());
  ASSERT_LT(in_period.size(), requests().size());
  BuildOptions options = unpartitioned();
  const std::string table = test_path("t"), expected = test_path("expected");
  const BuildStats all = expect_ok(build_table(log_of(requests(), events()), expected, options));
  expect_ok(build_table(log_of(in_period, events()), expected, options));
  options.from_us = kFromUs;
  options.until_us = kUntilUs;
  const BuildStats stats = expect_ok(build_table(log_of(requests(), events()), table, options));
  EXPECT_EQ(read_table(table), read_table(expected));
  EXPECT_EQ(stats.outside_requests, all.requests - static_cast<int64_t>(in_period.size()));
  EXPECT_EQ(all.join.orphans, 1);
  EXPECT_EQ(stats.join.orphans, 0);  // that of request 100, which is not wanted
  options.until_us = kFromUs;
  EXPECT_EQ(build_table(log_of(requests(), events()), table, options).status().code(),
            StatusCode::kInvalidArgument);
}

TEST(BuildTest, ALogWithoutRequestsMakesAnEmptyTable) {
  const std::string table = test_path("t");
  const BuildStats stats = expect_ok(build_table(log_of({}, events()), table));
  EXPECT_EQ(stats.samples, 0);
  EXPECT_EQ(stats.join.orphans, 5);
  EXPECT_TRUE(read_table(table).empty());
}

TEST(BuildTest, WhatIsNotALogIsNotFound) {
  const std::string table = test_path("t");
  const auto stats = build_table(testing::TempDir(), table);
  ASSERT_FALSE(stats.ok());
  EXPECT_EQ(stats.status().code(), StatusCode::kNotFound);
  EXPECT_FALSE(path_exists(table));
}

TEST(BuildTest, AnErrorLeavesTheOldTable) {
  const std::string logs = log_of(requests(), events()), table = test_path("t");
  expect_ok(build_table(logs, table, unpartitioned()));
  const std::vector<Batch> before = read_table(table);
  BuildOptions options = unpartitioned();
  options.cluster.row_group_samples = 0;
  EXPECT_EQ(build_table(logs, table, options).status().code(), StatusCode::kInvalidArgument);
  // The log itself is no table.
  EXPECT_EQ(build_table(logs, logs).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(read_table(table), before);
  EXPECT_TRUE(build_table(logs, table, unpartitioned()).ok());
}

TEST(BuildTest, TextAndJsonTellTheSameNumbers) {
  BuildStats stats;
  stats.samples = 278139;
  stats.requests = 24724;
  stats.labels = {{.name = "click", .positives = 24829, .sum = 24829}};
  stats.groups = {{.group = "history",
                   .samples = 278139,
                   .unique = 6279,
                   .sample_values = 4000,
                   .unique_values = 100}};
  stats.join.orphans = 3;
  const std::string text = to_text(stats);
  EXPECT_NE(text.find("278,139 of 24,724 requests"), std::string::npos) << text;
  EXPECT_NE(text.find("click: 24,829 positives (8.9 %)"), std::string::npos) << text;
  EXPECT_NE(text.find("100 values for 4,000 (40.0x)"), std::string::npos) << text;
  EXPECT_NE(text.find("3 events belong to no candidate"), std::string::npos) << text;
  EXPECT_EQ(text.find("late"), std::string::npos) << text;
}

}  // namespace
}  // namespace onefold
