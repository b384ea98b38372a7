// SPDX-License-Identifier: Apache-2.0
#include "onefold/log/traffic.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>
#include <vector>

#include <gtest/gtest.h>

#include "onefold/base/files.h"
#include "onefold/log/random_records.h"

namespace onefold {
namespace {

using enum FeatureKind;
constexpr FeatureScope kItem = FeatureScope::kItem;

class TrafficTest : public testing::Test {
 protected:
  // One shard, so that blocks come back in the order appended.
  TrafficCounts write(const TrafficOptions& options, const std::string& name = "logs",
                      LogOptions log = {.num_shards = 1}) {
    auto counts = synthesize_traffic(root_ + "/" + name, options, log);
    EXPECT_TRUE(counts.ok()) << counts.status().message();
    return *counts;
  }

  WholeLog read(const std::string& name = "logs") { return read_whole_log(root_ + "/" + name); }

  const std::string root_ = fresh_directory();
};

using Ids = std::vector<int64_t>;

// What became of one feature of users from a request to the next.
struct Steps {
  double within = 0, changed = 0, slid = 0, slid_by = 0;  // in a session
  double between = 0, changed_between = 0;                // of a user's sessions
};

// By how much `now` has slid from `before`; 0 if it has not.
size_t slide_of(const Ids& before, const Ids& now) {
  if (before.size() != now.size()) return 0;
  for (size_t by = 1; by < now.size(); ++by) {
    if (std::equal(before.begin() + by, before.end(), now.begin())) return by;
  }
  return 0;
}

Steps steps_of(const WholeLog& whole, const std::string& feature) {
  std::map<int64_t, std::pair<int64_t, Ids>> last;  // of a user: session and list
  Steps steps;
  for (const FeatureRecords& block : whole.features) {
    const auto& lists = block.user_features.get<int64_t>(feature);
    for (int64_t row = 0; row < block.num_requests(); ++row) {
      const std::pair now(block.session_id[row], Ids(lists.row(row).begin(), lists.row(row).end()));
      const auto [before, fresh] = last.try_emplace(block.user_id[row], now);
      if (fresh) continue;
      const bool changed = before->second.second != now.second;
      if (before->second.first == now.first) {
        steps.within += 1;
        steps.changed += changed;
        const size_t by = changed ? slide_of(before->second.second, now.second) : 0;
        steps.slid += by > 0;
        steps.slid_by += static_cast<double>(by);
      } else {
        steps.between += 1;
        steps.changed_between += changed;
      }
      before->second = now;
    }
  }
  return steps;
}

TEST_F(TrafficTest, FeaturesChangeAndSlideAsAsked) {
  write({.users = 300,
         .samples_per_session = {24, 1, 500},
         .features = {
             {.name = "often", .length = {40, 40, 40}, .change = 0.3, .shift = 0.5, .shift_by = 3},
             {.name = "seldom",
              .count = 2,
              .groups = 1,
              .length = {20, 20, 20},
              .change = 0.05,
              .change_between = 0.5},
             {.name = "never", .change = 0, .change_between = 0},
             {.name = "word", .kind = kId, .change = 0.2, .vocabulary = 1'000'000'000'000}}});
  const WholeLog whole = read();
  // About 34,000 steps within sessions and 1,200 between them; tolerances of four standard errors.
  const Steps often = steps_of(whole, "often");
  EXPECT_GT(often.within, 20'000);
  EXPECT_NEAR(often.changed / often.within, 0.3, 0.013);
  EXPECT_NEAR(often.slid / often.changed, 0.5, 0.026);
  EXPECT_NEAR(often.slid_by / often.slid, 3, 0.18);
  EXPECT_EQ(often.changed_between, often.between);
  const Steps seldom = steps_of(whole, "seldom_0");
  EXPECT_NEAR(seldom.changed / seldom.within, 0.05, 0.006);
  EXPECT_EQ(seldom.slid, seldom.changed);
  EXPECT_EQ(seldom.slid_by, seldom.slid);
  EXPECT_NEAR(seldom.changed_between / seldom.between, 0.5, 0.06);
  const Steps never = steps_of(whole, "never");
  EXPECT_EQ(never.changed + never.changed_between, 0);
  const Steps word = steps_of(whole, "word");
  EXPECT_NEAR(word.changed / word.within, 0.2, 0.012);
}

TEST_F(TrafficTest, AGroupChangesTogether) {
  write({.users = 50,
         .features = {{.name = "a",
                       .count = 5,
                       .groups = 2,
                       .length = {30, 5, 300},
                       .change = 0.4,
                       .shift = 0.5}}});
  double apart = 0;
  Ids before[5];
  for (const FeatureRecords& block : read().features) {
    for (int64_t row = 0; row < block.num_requests(); ++row) {
      bool changed[5];
      for (int i = 0; i < 5; ++i) {
        const auto list = block.user_features.get<int64_t>("a_" + std::to_string(i)).row(row);
        const Ids now(list.begin(), list.end());
        changed[i] = now != before[i];
        before[i] = now;
      }
      for (int i : {1, 2}) {  // three in the first group, two in the second
        EXPECT_EQ(before[0].size(), before[i].size());
        EXPECT_EQ(changed[0], changed[i]);
      }
      EXPECT_EQ(changed[3], changed[4]);
      apart += changed[0] != changed[3];
    }
  }
  EXPECT_GT(apart, 0);
}

TEST_F(TrafficTest, SessionsAndListsHaveHeavyTailsWithTheirMeans) {
  const TrafficOptions options{
      .users = 4'000,
      .sessions_per_user = 2,
      .samples_per_session = {16, 1, 1'000},
      .features = {{.name = "long", .length = {60, 1, 70'000}, .change = 0}}};
  const TrafficCounts counts = write(options);
  std::map<int64_t, int64_t> samples_of_session, length_of_user;
  for (const FeatureRecords& block : read().features) {
    check_records(block, *traffic_schema(options));
    for (int64_t row = 0; row < block.num_requests(); ++row) {
      samples_of_session[block.session_id[row]] +=
          block.candidate_offsets[row + 1] - block.candidate_offsets[row];
      length_of_user[block.user_id[row]] = block.user_features.get<int64_t>("long").length(row);
    }
  }
  EXPECT_EQ(static_cast<int64_t>(samples_of_session.size()), counts.sessions);
  EXPECT_EQ(length_of_user.size(), 4'000u);
  int64_t samples = 0, longest_session = 0, values = 0, longest = 0;
  for (const auto& [session, count] : samples_of_session) {
    samples += count;
    longest_session = std::max(longest_session, count);
  }
  for (const auto& [user, length] : length_of_user) {
    values += length;
    longest = std::max(longest, length);
  }
  // Standard errors 0.6 and 13.
  EXPECT_NEAR(static_cast<double>(samples) / static_cast<double>(counts.sessions), 16, 2.4);
  EXPECT_NEAR(static_cast<double>(values) / 4'000, 60, 40);
  EXPECT_GT(longest_session, 700);
  EXPECT_LE(longest_session, 1'000);
  EXPECT_GT(longest, 10'000);
  EXPECT_LE(longest, 70'000);
  EXPECT_EQ(longest_session, counts.longest_session);
  EXPECT_EQ(longest, counts.longest_list);
  EXPECT_EQ(samples, counts.samples);
}

TEST_F(TrafficTest, FixedNumbersAndEveryKind) {
  const TrafficOptions options{
      .users = 2,
      .samples_per_session = {12, 12, 12},
      .candidates = 3,
      .features = {
          {.name = "list", .count = 2, .length = {70'000, 70'000, 70'000}},
          {.name = "floats", .kind = kFloatList, .groups = 1, .length = {7, 7, 7}},
          {.name = "id", .kind = kId},
          {.name = "dense", .count = 2, .kind = kDense},
          {.name = "item_list", .count = 300, .scope = kItem, .groups = 3, .length = {3, 1, 10}},
          {.name = "item_dense", .kind = kDense, .scope = kItem}}};
  const TrafficCounts counts = write(options);
  EXPECT_EQ(counts.samples, counts.sessions * 12);
  EXPECT_EQ(counts.requests, counts.sessions * 4);
  EXPECT_EQ(counts.user_values, counts.requests * (2 * 70'000 + 7 + 3));
  std::map<int64_t, std::pair<Ids, float>> of_item;
  for (const FeatureRecords& block : read().features) {
    check_records(block, *traffic_schema(options));
    EXPECT_EQ(block.user_features.get<int64_t>("list_1").length(0), 70'000);
    EXPECT_EQ(block.user_features.get<float>("floats").length(0), 7);
    const auto& lists = block.item_features.get<int64_t>("item_list_299");
    for (int64_t c = 0; c < block.num_candidates(); ++c) {
      const std::pair now(Ids(lists.row(c).begin(), lists.row(c).end()),
                          block.item_dense.values[c]);
      EXPECT_EQ(of_item.try_emplace(block.item_id[c], now).first->second, now);
    }
  }
  EXPECT_GT(of_item.size(), 20u);
}

TEST_F(TrafficTest, TheSameBytesWithAnyNumberOfThreads) {
  const TrafficOptions options{
      .users = 12,
      .features = {{.name = "u", .count = 20, .groups = 4},
                   {.name = "i", .count = 10, .scope = kItem, .length = {2, 2, 2}}}};
  write(options, "a", {.block_bytes = 1 << 16});
  write(options, "b", {.block_bytes = 1 << 16, .threads = 2});
  write(options, "c", {.block_bytes = 1 << 16, .threads = 5});
  const auto names = list_files(root_ + "/a");
  ASSERT_GE(names->size(), 12u);
  EXPECT_EQ(*names, *list_files(root_ + "/b"));
  for (const std::string& name : *names) {
    EXPECT_EQ(*read_file(root_ + "/a/" + name), *read_file(root_ + "/b/" + name)) << name;
    EXPECT_EQ(*read_file(root_ + "/a/" + name), *read_file(root_ + "/c/" + name)) << name;
  }
  TrafficOptions other = options;
  other.seed = 2;
  write(other, "d");
  write(options, "e");
  EXPECT_NE(read("d").features, read("e").features);
}

TEST_F(TrafficTest, OptionsOutOfRange) {
  const auto message = [&](const TrafficOptions& options) {
    const auto counts = synthesize_traffic(root_ + "/bad", options);
    EXPECT_EQ(counts.status().code(), StatusCode::kInvalidArgument);
    return counts.ok() ? "" : counts.status().message();
  };
  EXPECT_NE(message({.samples_per_session = {2, 1, 9}, .candidates = 4}).find("samples"), -1ul);
  EXPECT_NE(message({.samples_per_session = {10, 1, 9}}).find("samples"), -1ul);
  EXPECT_NE(message({.features = {{.name = "x", .length = {5, 0, 9}}}}).find("'x': length"), -1ul);
  EXPECT_NE(message({.features = {{.name = "x", .change = 2}}}).find("'x': change"), -1ul);
  EXPECT_NE(message({.features = {{.name = "x", .groups = 2}}}).find("'x': groups"), -1ul);
  EXPECT_NE(message({.features = {{.name = "x"}, {.name = "x"}}}).find("'x'"), -1ul);
  EXPECT_FALSE(std::filesystem::exists(root_ + "/bad"));
}

}  // namespace
}  // namespace onefold
