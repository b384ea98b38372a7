// SPDX-License-Identifier: Apache-2.0
// Real events with a very heavy user: file changes of public repositories, 107,806 of them by one
// user. Skipped where the data is absent.
#include <algorithm>

#include <gtest/gtest.h>

#include "onefold/base/files.h"
#include "onefold/timeline/slice_stats.h"
#include "onefold/timeline/test_timelines.h"

namespace onefold {
namespace {

class GitlogTest : public ::testing::Test {
 protected:
  void SetUp() override {
    events_ = std::string(ONEFOLD_SHARED_DATA) + "/gitlog_events/events.csv.zst";
    if (!path_exists(events_)) GTEST_SKIP() << events_ << " is absent";
    timelines_ = fresh_directory("t") + "/timelines";
  }

  IntakeReport build(const TimelineBuildOptions& options) {
    // 8 MB: about twelve spilled runs.
    auto report = build_timelines(timelines_, {events_}, gitlog_mapping(), options,
                                  {.memory_bytes = 8 << 20, .spill_directory = {}, .parts = {}});
    EXPECT_TRUE(report.ok()) << report.status().message();
    return report.ok() ? *report : IntakeReport();
  }

  std::string events_, timelines_;
};

TEST_F(GitlogTest, CapsAreRespectedAndEveryDropIsCounted) {
  const IntakeReport report = build({});
  EXPECT_EQ(report.rows_read, 995821);
  EXPECT_EQ(report.events_read, 995821);
  EXPECT_EQ(report.users_new, 20566);
  EXPECT_EQ(report.drops[DropReason::kUnparsable], 0);
  EXPECT_EQ(report.drops[DropReason::kUnknownAction], 0);
  EXPECT_GT(report.drops[DropReason::kOverCap], 107806 - 70000);

  auto reader = TimelineReader::open(timelines_, {.columns = {EventColumn::kTime}});
  ASSERT_TRUE(reader.ok()) << reader.status().message();
  int64_t users = 0, events = 0, longest = 0;
  for (;;) {
    auto batch = (*reader)->next();
    ASSERT_TRUE(batch.ok()) << batch.status().message();
    if (!*batch) break;
    users += (*batch)->num_users();
    for (TimelineKind kind : kTimelineKinds) {
      const auto& times = (*batch)->events(kind).get<int64_t>("time");
      events += times.num_values();
      for (int64_t row = 0; row < (*batch)->num_users(); ++row) {
        longest = std::max<int64_t>(longest, times.length(row));
      }
    }
  }
  EXPECT_EQ(users, 20566);
  EXPECT_EQ(longest, 35000);
  EXPECT_EQ(events + report.drops.total(), report.events_read);
}

TEST_F(GitlogTest, WithoutCapsTheHeavyUserIsWhole) {
  build({.max_events = {200000, 200000}});
  auto reader = TimelineReader::open(timelines_, {.columns = {EventColumn::kTime}});
  ASSERT_TRUE(reader.ok());
  int64_t longest = 0;
  for (;;) {
    auto batch = (*reader)->next();
    ASSERT_TRUE(batch.ok());
    if (!*batch) break;
    for (int64_t row = 0; row < (*batch)->num_users(); ++row) {
      longest = std::max<int64_t>(
          longest, (*batch)->events(TimelineKind::kExplicit).get<int64_t>("time").length(row) +
                       (*batch)->events(TimelineKind::kImplicit).get<int64_t>("time").length(row));
    }
  }
  EXPECT_EQ(longest, 107806);
}

TEST_F(GitlogTest, SliceStats) {
  build({});
  const SliceSet slices = gitlog_slices();
  const auto stats = slice_stats(timelines_, slices);
  ASSERT_TRUE(stats.ok()) << stats.status().message();
  EXPECT_EQ(stats->num_users, 20566);
  const int changed = slices.find("changed.item.full");
  EXPECT_EQ(stats->coverage[changed].num_events, stats->num_events[1]);
  for (int i = 0; i + 2 < slices.size(); i += 3) {  // full contains 7d contains 3d
    EXPECT_GE(stats->coverage[i].num_events, stats->coverage[i + 1].num_events);
    EXPECT_GE(stats->coverage[i + 1].num_events, stats->coverage[i + 2].num_events);
    EXPECT_GT(stats->coverage[i].num_users, 0);
  }
}

}  // namespace
}  // namespace onefold
