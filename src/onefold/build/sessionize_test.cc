// SPDX-License-Identifier: Apache-2.0
#include "onefold/build/sessionize.h"

#include <algorithm>
#include <map>
#include <ranges>
#include <set>

#include "onefold/base/files.h"
#include "onefold/build/rejects.h"
#include "onefold/build/test_logs.h"

namespace onefold {
namespace {

constexpr int64_t kMinute = int64_t{60} * 1000000;

BuildOptions by_user() {
  BuildOptions options;
  options.cluster.partition = PartitionBy::kNone;
  options.idle_gap_us = 30 * kMinute;
  return options;
}

RequestSpec request(int64_t user, int64_t id, int64_t minute) {
  return {.session = 99, .user = user, .request = id, .time_us = minute * kMinute, .items = {1}};
}

// The session of each request of a table.
std::map<int64_t, int64_t> sessions(const std::string& table) {
  std::map<int64_t, int64_t> sessions;
  for (const Batch& batch : read_table(table)) {
    for (int64_t i = 0; i < batch.num_samples(); ++i)
      sessions[batch.request_id[i]] = batch.session_id[i];
  }
  return sessions;
}

TEST(SessionizeTest, IdleGapsAreTimes) {
  EXPECT_EQ(parse_idle_gap("30min").value(), 30 * kMinute);
  EXPECT_EQ(parse_idle_gap("1.5h").value(), 90 * kMinute);
  EXPECT_EQ(parse_idle_gap("90s").value(), 90 * kMinute / 60);
  for (const char* bad : {"", "30", "min", "-1h", "0s", "30 minutes"}) {
    EXPECT_EQ(parse_idle_gap(bad).status().code(), StatusCode::kInvalidArgument) << bad;
  }
}

TEST(SessionizeTest, AGapLongerThanTheIdleGapBeginsASession) {
  const std::string log = test_path("log"), table = test_path("table");
  // Out of order, users interleaved: 7 at 0, 30 and 61 minutes, 8 at 10.
  write_log(log, {request(7, 3, 61), request(7, 1, 0), request(8, 4, 10), request(7, 2, 30)}, {});
  const BuildStats stats = expect_ok(build_table(log, table, by_user()));
  EXPECT_EQ(stats.sessions, 3);
  const auto found = sessions(table);
  EXPECT_EQ(found.at(1), found.at(2));  // exactly the gap
  EXPECT_NE(found.at(2), found.at(3));
  EXPECT_NE(found.at(1), found.at(4));
  EXPECT_EQ(found.at(3), session_id_of(7, 61 * kMinute));
}

TEST(SessionizeTest, ShardsBlocksMemoryAndPeriodsDoNotMatter) {
  std::vector<RequestSpec> requests;
  for (int64_t i = 0; i < 400; ++i) requests.push_back(request(i * 7 % 23, i, i * 37 % 700));
  const std::string a = test_path("a"), b = test_path("b"), table = test_path("table");
  write_log(a, requests, {});
  std::reverse(requests.begin(), requests.end());
  write_log(
      b, requests, {},
      {.shard_by = ShardBy::kRequest, .num_shards = 3, .block_bytes = 300, .segment_bytes = 2000});
  expect_ok(build_table(a, table, by_user()));
  const auto expected = sessions(table);
  EXPECT_GT(
      std::set<int64_t>(std::views::values(expected).begin(), std::views::values(expected).end())
          .size(),
      23u);
  BuildOptions options = by_user();
  options.spill_bytes = 4000;
  options.threads = 3;
  expect_ok(build_table(b, table, options));
  EXPECT_EQ(sessions(table), expected);
  options.from_us = 500 * kMinute;  // sessions are those of the whole log
  options.cluster.partition = PartitionBy::kHour;
  const BuildStats part = expect_ok(build_table(b, table, options));
  EXPECT_GT(part.split_sessions, 0);
  for (const auto& [id, session] : sessions(table)) EXPECT_EQ(session, expected.at(id));
}

TEST(RejectsTest, WhatCannotBeParsedIsPutAsideWithTheReason) {
  const std::string log = test_path("log"), table = test_path("table");
  write_log(log, {request(7, 1, 0), request(7, 2, 1)}, {}, {.num_shards = 1});
  const std::string segment = log + "/feature/shard-00000/000000.arrow";
  std::string bytes = read_file(segment).value();
  const std::string junk = "these are no records";
  expect_ok(write_file_atomic(segment, bytes + junk));
  const BuildStats stats = expect_ok(build_table(log, table, by_user()));
  EXPECT_EQ(stats.samples, 2);
  EXPECT_EQ(stats.torn_segments, 1);
  EXPECT_EQ(read_file(table + "/rejects/00000.bytes").value(), junk);
  const std::string list = read_file(table + "/" + kRejectsList).value();
  EXPECT_NE(list.find("bytes after the end marker"), std::string::npos) << list;
  EXPECT_NE(list.find("\"segment\":\"feature/shard-00000/000000.arrow\""), std::string::npos)
      << list;
  // A log without damage leaves none.
  expect_ok(write_file_atomic(segment, bytes));
  expect_ok(build_table(log, table, by_user()));
  EXPECT_FALSE(path_exists(table + "/" + kRejectsList));
}

}  // namespace
}  // namespace onefold
