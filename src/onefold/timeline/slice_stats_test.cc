// SPDX-License-Identifier: Apache-2.0
#include "onefold/timeline/slice_stats.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "onefold/timeline/test_timelines.h"

namespace onefold {
namespace {

constexpr int64_t kDay = int64_t{86400} * 1000000;

constexpr const char* kSlices = R"(
[[slice]]
name = "liked"
timeline = "explicit"
action = "like"
window = ["full", "2d"]
[[slice]]
name = "seen"
timeline = "implicit"
dwell = [{ min = 10 }, { min = 20 }]
[[slice]]
name = "bought"
timeline = "explicit"
action = "buy"
)";

class SliceStatsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const std::string directory = fresh_directory("t");
    timelines_ = directory + "/timelines";
    // User 1 likes on days 1 and 5; users 2 and 3 view with 5, 15, 25 seconds.
    write_csv(directory + "/a.csv", {{1, 1 * kDay, 1, 10, "like", 0},
                                     {1, 5 * kDay, 2, 11, "like", 0},
                                     {2, 2 * kDay, 3, 12, "view", 5},
                                     {2, 3 * kDay, 4, 12, "view", 15},
                                     {3, 4 * kDay, 5, 13, "view", 25}});
    const auto report = build_timelines(timelines_, {directory + "/a.csv"}, test_mapping());
    ASSERT_TRUE(report.ok()) << report.status().message();
    slices_ = SliceSet::from_toml(kSlices, "test").value();
  }

  SliceStats stats(std::optional<int64_t> cutoff_us = std::nullopt) {
    auto stats = slice_stats(timelines_, slices_, cutoff_us);
    EXPECT_TRUE(stats.ok()) << stats.status().message();
    return *stats;
  }

  std::string timelines_;
  SliceSet slices_;
};

TEST_F(SliceStatsTest, AfterTheNewestEvent) {
  const SliceStats all = stats();
  EXPECT_EQ(all.cutoff_us, 5 * kDay + 1);
  EXPECT_EQ(all.num_users, 3);
  EXPECT_EQ(all.num_events, (std::array<int64_t, 2>{2, 3}));
  const std::vector<int64_t> events = {2, 1, 2, 1, 0}, users = {1, 1, 2, 1, 0};
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(all.coverage[i].num_events, events[i]) << slices_.slices()[i].name;
    EXPECT_EQ(all.coverage[i].num_users, users[i]) << slices_.slices()[i].name;
  }
  EXPECT_EQ(all.coverage[0].most_similar, 1);
  EXPECT_DOUBLE_EQ(all.coverage[0].overlap, 0.5);
  EXPECT_EQ(all.coverage[3].most_similar, 2);
  EXPECT_EQ(all.coverage[4].most_similar, -1);
  EXPECT_EQ(all.unknown_names,
            (std::vector<std::string>{"slice 'bought' (line 11): action 'buy'"}));
}

TEST_F(SliceStatsTest, AtAnEarlierCutoff) {
  const SliceStats early = stats(5 * kDay);
  EXPECT_EQ(early.num_events, (std::array<int64_t, 2>{1, 3}));
  EXPECT_EQ(early.coverage[0].num_events, 1);
  EXPECT_EQ(early.coverage[1].num_events, 0);
}

TEST_F(SliceStatsTest, TextAndJson) {
  const SliceStats all = stats();
  const std::string text = to_text(all);
  EXPECT_NE(text.find("5 slices, version " + slices_.version()), std::string::npos);
  EXPECT_NE(text.find("seen.dwell>=10"), std::string::npos);
  EXPECT_NE(text.find("not in the data: slice 'bought' (line 11): action 'buy'"),
            std::string::npos);
  const nlohmann::json json = to_json(all);
  EXPECT_EQ(json["slices"].size(), 5u);
  EXPECT_EQ(json["slices"][2]["events"], 2);
  EXPECT_DOUBLE_EQ(json["slices"][2]["coverage"].get<double>(), 2.0 / 3);
  EXPECT_EQ(json["slices"][3]["most_similar"]["slice"], "seen.dwell>=10");
  EXPECT_TRUE(json["slices"][4]["most_similar"].is_null());
}

}  // namespace
}  // namespace onefold
