// SPDX-License-Identifier: Apache-2.0
// The train split of EB-NeRD from published files to table: numbers that anyone can recount.
#include "onefold/build/test_logs.h"
#include "onefold/log/ebnerd.h"

namespace onefold {
namespace {

TEST(EbnerdBuildTest, NumbersOfTheTrainSplit) {
  const std::string data = std::string(ONEFOLD_SHARED_DATA) + "/ebnerd_demo";
  if (!std::filesystem::exists(data + "/train/behaviors.parquet")) {
    GTEST_SKIP() << "EB-NeRD is not at " << data;
  }
  const std::string logs = test_path("logs"), table = test_path("t");
  expect_ok(import_ebnerd(data, logs, EbnerdSplit::kTrain));
  const BuildStats stats = expect_ok(build_table(logs, table));
  EXPECT_EQ(stats.samples, 278139);
  EXPECT_EQ(stats.requests, 24724);
  EXPECT_EQ(stats.sessions, 12944);
  EXPECT_EQ(stats.users, 1590);
  EXPECT_EQ(stats.join.events, 24888);  // clicks; 59 requests list an article twice
  EXPECT_EQ(stats.join.orphans, 0);
  ASSERT_EQ(stats.labels.size(), 1u);
  EXPECT_EQ(stats.labels[0].positives, 24829);
  EXPECT_EQ(stats.labels[0].events, 24888);
  EXPECT_EQ(stats.duplicate_requests + stats.empty_requests + stats.torn_segments, 0);

  ASSERT_EQ(stats.groups.size(), 1u);
  const GroupStats& history = stats.groups[0];
  EXPECT_EQ(history.samples, 278139);
  EXPECT_EQ(history.sample_values, 4 * 80131712);  // four lists of 80.1M ids and values
  EXPECT_GE(history.sample_values, 21 * history.unique_values);

  int64_t samples = 0, unique = 0, clicks = 0;
  for (const Batch& batch : read_table(table)) {
    samples += batch.num_samples();
    unique += batch.groups.at(0).features.num_unique();
    for (const float click : batch.labels.values) clicks += click == 1;
    for (int64_t i = 1; i < batch.num_samples(); ++i) {
      ASSERT_LE(batch.session_id[i - 1], batch.session_id[i]);
    }
  }
  EXPECT_EQ(samples, stats.samples);
  EXPECT_EQ(unique, history.unique);
  EXPECT_EQ(clicks, 24829);
  std::filesystem::remove_all(logs);
  std::filesystem::remove_all(table);
}

}  // namespace
}  // namespace onefold
