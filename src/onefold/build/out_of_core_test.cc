// SPDX-License-Identifier: Apache-2.0
// The table does not depend on memory and threads, and nothing of the work stays behind.
#include <algorithm>
#include <atomic>
#include <tuple>

#include <nlohmann/json.hpp>

#include "onefold/base/files.h"
#include "onefold/base/memory.h"
#include "onefold/build/memory_plan.h"
#include "onefold/build/test_logs.h"
#include "onefold/log/log_reader.h"
#include "onefold/log/synth.h"

namespace onefold {
namespace {

constexpr int64_t kDay = int64_t{86400} * 1000000;
constexpr int64_t kFirstDay = 1'704'067'200'000'000;  // 2024-01-01, where synth begins

// Generated requests over three days, some of them logged twice, some sessions coming back a day
// later, and events of no request.
std::string mixed_log() {
  const std::string path = test_path("log");
  SynthOptions options;
  options.users = 100;
  options.list_length = 20;
  options.days = 3;
  const LogOptions log_options{
      .num_shards = 5, .block_bytes = 16 << 10, .segment_bytes = 128 << 10};
  expect_ok(synthesize(path, options, log_options));
  LogReader log = expect_ok(LogReader::open(path));
  std::vector<FeatureRecords> blocks;
  expect_ok(log.read_features([&](FeatureRecords&& records) -> Status {
    blocks.push_back(std::move(records));
    return {};
  }));
  auto writer = expect_ok(LogWriter::open(path, log.schema(), log_options));
  for (size_t b = 0; b < blocks.size(); ++b) {
    FeatureRecords& block = blocks[b];
    if (b % 2 == 0) expect_ok(writer->append(block));
    if (b % 2 == 0) continue;
    for (size_t i = 0; i < block.request_id.size(); ++i) {
      block.request_id[i] += int64_t{1} << 40;
      block.time_us[i] += kDay;
    }
    expect_ok(writer->append(block));
  }
  expect_ok(writer->append(event_records({{-1, 5, 9, "click", 0}, {-2, 5, 9, "like", 0}})));
  expect_ok(writer->close());
  return path;
}

void expect_same_table(const std::string& a, const std::string& b) {
  const std::vector<std::string> files = list_files(a).value();
  ASSERT_EQ(files, list_files(b).value());
  for (const std::string& file : files) {
    EXPECT_EQ(read_file(a + "/" + file).value(), read_file(b + "/" + file).value()) << file;
  }
}

// Everything but how it was done.
nlohmann::json counts_of(const BuildStats& stats) {
  nlohmann::json json = to_json(stats);
  for (const char* key :
       {"seconds", "threads", "memory_limit", "peak_memory", "spilled_bytes", "spilled_runs"}) {
    json.erase(key);
  }
  return json;
}

TEST(OutOfCoreTest, MemoryAndThreadsDoNotShowInTheTable) {
  const std::string log = mixed_log(), expected = test_path("expected"), table = test_path("t");
  for (const SampleOrder order : {SampleOrder::kSession, SampleOrder::kArrival}) {
    BuildOptions options;
    options.cluster = {.order = order, .partition = PartitionBy::kDay, .row_group_samples = 1000};
    options.from_us = kFirstDay + kDay / 2;
    options.until_us = kFirstDay + 3 * kDay;
    options.threads = 1;
    const BuildStats in_memory = expect_ok(build_table(log, expected, options));
    EXPECT_EQ(in_memory.spilled_bytes, 0);
    EXPECT_GT(in_memory.duplicate_requests, 5);
    EXPECT_GT(in_memory.outside_requests, 10);
    EXPECT_EQ(in_memory.join.orphans, 2);
    EXPECT_EQ(in_memory.join.unlabelled, 1);
    EXPECT_GT(in_memory.split_sessions, 0);
    for (const int threads : {1, 4}) {
      options.threads = threads;
      options.spill_bytes = 200 << 10;
      options.memory_bytes = resident_memory() + (64 << 20);
      const BuildStats spilled = expect_ok(build_table(log, table, options));
      EXPECT_GT(spilled.spilled_runs, 4);
      EXPECT_EQ(counts_of(spilled), counts_of(in_memory));
      expect_same_table(expected, table);
    }
  }
}

TEST(OutOfCoreTest, ASplitSessionIsReadableInBothPartitions) {
  const std::string log = mixed_log(), days = test_path("days"), whole = test_path("whole");
  BuildOptions options;
  options.spill_bytes = 200 << 10;
  const BuildStats stats = expect_ok(build_table(log, days, options));
  ASSERT_GT(stats.split_sessions, 0);
  options.cluster.partition = PartitionBy::kNone;
  expect_ok(build_table(log, whole, options));
  // The same samples with the same lists, wherever the days put them.
  const auto sorted = [](const std::string& table) {
    const Batch all = concatenate(read_table(table, {.columns = {}, .fold = false}));
    std::vector<int32_t> order(all.num_samples());
    for (size_t i = 0; i < order.size(); ++i) order[i] = static_cast<int32_t>(i);
    std::stable_sort(order.begin(), order.end(), [&](int32_t a, int32_t b) {
      return std::tie(all.session_id[a], all.time_us[a], all.request_id[a]) <
             std::tie(all.session_id[b], all.time_us[b], all.request_id[b]);
    });
    return unfolded(select_samples(all, order));
  };
  EXPECT_EQ(sorted(days), sorted(whole));
}

TEST(OutOfCoreTest, ACancelledBuildLeavesNothing) {
  const std::string log = mixed_log(), place = test_path("place"), table = place + "/t";
  std::filesystem::create_directories(place);
  expect_ok(build_table(log, table));
  const std::string before = read_file(table + "/" + kManifestName).value();
  for (const int64_t calls : {0, 5, 1'000'000}) {
    BuildOptions options;
    options.cluster.row_group_samples = 500;
    options.spill_bytes = 100 << 10;
    std::atomic<int64_t> left = calls;
    int64_t written = 0;
    options.is_cancelled = [&] { return left-- <= 0 || written > 100; };
    options.on_written = [&](int64_t done, int64_t all) {
      EXPECT_LE(done, all);
      written = done;
    };
    EXPECT_EQ(build_table(log, table, options).status().code(), StatusCode::kIoError);
    EXPECT_EQ(read_file(table + "/" + kManifestName).value(), before);
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator(place), {}), 1);
  }
}

TEST(OutOfCoreTest, TooLittleMemoryIsRefusedWithWhatIsNeeded) {
  EXPECT_GT(expect_ok(plan_memory(int64_t{512} << 20, 100 << 20, 2)).requests, 64 << 20);
  const Status status = plan_memory(128 << 20, 100 << 20, 2).status();
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_NE(status.message().find("at least 144.0 MiB"), std::string::npos) << status.message();
  BuildOptions options;
  options.threads = -1;
  EXPECT_EQ(build_table(mixed_log(), test_path("t"), options).status().code(),
            StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace onefold
