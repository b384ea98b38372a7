// SPDX-License-Identifier: Apache-2.0
#include "onefold/build/external_sort.h"

#include <algorithm>
#include <filesystem>
#include <random>
#include <thread>

#include "onefold/build/distinct.h"
#include "onefold/build/test_logs.h"

namespace onefold {
namespace {

std::string spill_directory() {
  const std::string path = test_path("spill");
  std::filesystem::create_directories(path);
  return path;
}

TEST(ExternalSorterTest, SpilledOrNotTheOrderIsTheSame) {
  std::mt19937_64 draw(1);
  std::vector<int64_t> values(10'000);
  for (int64_t& value : values) value = static_cast<int64_t>(draw() % 5'000);
  std::vector<int64_t> expected = values;
  std::sort(expected.begin(), expected.end());
  for (const int64_t memory : {1 << 20, 4096, 1}) {
    const std::string directory = spill_directory();
    SpillFile spill(directory);
    ExternalSorter<int64_t> sorter(spill, memory);
    std::vector<std::thread> threads;
    for (size_t t = 0; t < 4; ++t) {
      threads.emplace_back([&, t] {
        for (size_t i = t; i < values.size(); i += 4) expect_ok(sorter.add({{values[i]}}));
      });
    }
    for (std::thread& thread : threads) thread.join();
    expect_ok(sorter.sort());
    std::vector<int64_t> sorted;
    for (; sorter.has_value(); expect_ok(sorter.advance())) sorted.push_back(sorter.value());
    EXPECT_EQ(sorted, expected);
    EXPECT_EQ(spill.bytes() > 0, memory < 80'000);
    EXPECT_TRUE(std::filesystem::is_empty(directory)) << "spill files have a name";
  }
}

TEST(ExternalSorterTest, NothingSorted) {
  SpillFile spill(spill_directory());
  ExternalSorter<int64_t> sorter(spill, 1);
  expect_ok(sorter.sort());
  EXPECT_FALSE(sorter.has_value());
}

TEST(SpillFileTest, ADirectoryThatIsNotThereIsAnErrorThatNamesIt) {
  SpillFile spill(test_path("absent"));
  const Status status = spill.append("x", 1).status();
  EXPECT_EQ(status.code(), StatusCode::kIoError);
  EXPECT_NE(status.message().find("absent"), std::string::npos) << status.message();
}

TEST(DistinctCounterTest, DistinctValuesAndThoseInTwoGroups) {
  for (const int64_t memory : {1 << 20, 1}) {
    SpillFile spill(spill_directory());
    DistinctCounter counter(spill, memory);
    for (int64_t group : {0, 1}) {
      for (int64_t value = 0; value < 500; ++value) {
        if (value % 2 == group || value % 5 == 0) expect_ok(counter.add(value, group));
        if (value % 2 == group) expect_ok(counter.add(value, group));
      }
    }
    const DistinctCounts counts = expect_ok(counter.count());
    EXPECT_EQ(counts.distinct, 500);
    EXPECT_EQ(counts.repeated, 100);
  }
}

}  // namespace
}  // namespace onefold
