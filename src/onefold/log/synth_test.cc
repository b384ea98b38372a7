// SPDX-License-Identifier: Apache-2.0
#include "onefold/log/synth.h"

#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>

#include <gtest/gtest.h>

#include "onefold/log/random_records.h"
#include "onefold/log/synth_schedule.h"
#include "onefold/log/synth_taste.h"

namespace onefold {
namespace {

class SynthTest : public testing::Test {
 protected:
  // One shard, so that blocks come back in the order appended.
  SynthCounts write(const SynthOptions& options, const std::string& name = "logs") {
    auto counts = synthesize(root_ + "/" + name, options, {.num_shards = 1});
    EXPECT_TRUE(counts.ok()) << counts.status().message();
    return *counts;
  }

  WholeLog read(const std::string& name = "logs") { return read_whole_log(root_ + "/" + name); }

  const std::string root_ = fresh_directory();
};

TEST_F(SynthTest, TheSameSeedGivesTheSameRecords) {
  SynthOptions options{.users = 30};
  const SynthCounts first = write(options, "a"), second = write(options, "b");
  const WholeLog a = read("a"), b = read("b");
  EXPECT_EQ(a.features, b.features);
  EXPECT_EQ(a.events, b.events);
  EXPECT_EQ(first.clicks, second.clicks);
  EXPECT_EQ(first.bayes_ne, second.bayes_ne);
  options.seed = 2;
  write(options, "c");
  EXPECT_NE(a.features, read("c").features);
}

TEST_F(SynthTest, CountsAreThoseOfTheLog) {
  const SynthOptions options{.users = 50};
  const SynthCounts counts = write(options);
  const WholeLog whole = read();
  EXPECT_EQ(whole.num_requests(), counts.requests);
  EXPECT_EQ(whole.num_events(), counts.clicks);
  std::set<int64_t> sessions, requests, users;
  int64_t samples = 0;
  for (const FeatureRecords& block : whole.features) {
    check_records(block, synth_schema(options));
    sessions.insert(block.session_id.begin(), block.session_id.end());
    requests.insert(block.request_id.begin(), block.request_id.end());
    users.insert(block.user_id.begin(), block.user_id.end());
    samples += block.num_candidates();
  }
  EXPECT_EQ(static_cast<int64_t>(sessions.size()), counts.sessions);
  EXPECT_EQ(static_cast<int64_t>(requests.size()), counts.requests);
  EXPECT_EQ(static_cast<int64_t>(users.size()), options.users);
  EXPECT_EQ(samples, counts.samples);
}

// Means over several thousand draws: tolerances are about four standard errors.
TEST_F(SynthTest, MeansAreAsAsked) {
  const SynthOptions options{
      .users = 1'000, .sessions_per_user = 4, .samples_per_session = 24, .list_length = 20};
  const SynthCounts counts = write(options);
  EXPECT_NEAR(static_cast<double>(counts.sessions) / options.users, 4, 0.45);
  EXPECT_NEAR(static_cast<double>(counts.samples) / counts.sessions, 24, 1.3);
  EXPECT_EQ(counts.samples, counts.requests * options.candidates);

  double values = 0;
  std::map<int64_t, int32_t> length_of_user;
  for (const FeatureRecords& block : read().features) {
    const auto& lists = block.user_features.get<int64_t>("user_list_1");
    for (int64_t row = 0; row < block.num_requests(); ++row) {
      length_of_user[block.user_id[row]] = lists.length(row);
      EXPECT_EQ(lists.length(row), block.user_features.get<int64_t>("history_topic").length(row));
    }
  }
  for (const auto& [user, length] : length_of_user) values += length;
  EXPECT_NEAR(values / static_cast<double>(length_of_user.size()), 20, 0.8);
}

// Share of requests, other than a session's first, whose feature differs from the session's
// previous one.
double measured_change(const WholeLog& whole, const std::string& feature) {
  std::map<int64_t, std::vector<int64_t>> last_of_session;
  double changes = 0, pairs = 0;
  for (const FeatureRecords& block : whole.features) {
    const auto& lists = block.user_features.get<int64_t>(feature);
    for (int64_t row = 0; row < block.num_requests(); ++row) {
      const std::vector<int64_t> now(lists.row(row).begin(), lists.row(row).end());
      auto [last, fresh] = last_of_session.try_emplace(block.session_id[row], now);
      if (fresh) continue;
      pairs += 1;
      if (last->second != now) {
        changes += 1;
        // One new value at the end, the oldest dropped, nothing else.
        EXPECT_TRUE(std::equal(now.begin(), now.end() - 1, last->second.begin() + 1));
        last->second = now;
      }
    }
  }
  return changes / pairs;
}

TEST_F(SynthTest, ListsChangeAsOftenAsAsked) {
  write({.users = 400, .samples_per_session = 64, .list_length = 30, .change_probability = 0.2});
  const WholeLog whole = read();
  // About 13,000 pairs: standard error 0.0035.
  EXPECT_NEAR(measured_change(whole, "history_item_id"), 0.2, 0.015);
  EXPECT_NEAR(measured_change(whole, "user_list_0"), 0.2, 0.015);
  EXPECT_NEAR(measured_change(whole, "user_list_1"), 0.2, 0.015);
}

TEST_F(SynthTest, NoChangeWithinSessionsAtProbabilityZero) {
  write({.users = 50, .samples_per_session = 32, .change_probability = 0});
  EXPECT_EQ(measured_change(read(), "history_item_id"), 0);
}

TEST_F(SynthTest, RequestsComeInTimeOrderAndUsersInterleave) {
  write({.users = 750});
  int64_t last_time = 0, last_user = -1, same_user = 0, requests = 0;
  for (const FeatureRecords& block : read().features) {
    for (int64_t row = 0; row < block.num_requests(); ++row, ++requests) {
      EXPECT_GE(block.time_us[row], last_time);
      last_time = block.time_us[row];
      same_user += block.user_id[row] == last_user;
      last_user = block.user_id[row];
    }
  }
  // Half of all requests follow another one of their session; few of them directly.
  EXPECT_LT(same_user, requests / 10);
}

TEST(SynthScheduleTest, AnIdleGapOfHalfAnHourFindsTheSessions) {
  std::map<int64_t, ScheduledRequest> last_of_user;
  std::set<int64_t> begun;
  int64_t last_time = 0, finished = 0;
  SynthSchedule schedule(
      {.users = 200, .sessions_per_user = 5, .draw_requests = [](SynthRandom& random) {
         return random.geometric(8);
       }});
  while (const auto next = schedule.next()) {
    const ScheduledRequest& request = *next;
    EXPECT_GE(request.time_us, last_time);
    last_time = request.time_us;
    finished += request.last_of_user;
    EXPECT_EQ(request.first_of_session, begun.insert(request.session_id).second);
    const auto last = last_of_user.find(request.user);
    EXPECT_EQ(request.first_of_user, last == last_of_user.end());
    if (last != last_of_user.end()) {
      const bool idle = request.time_us - last->second.time_us >= 30 * 60'000'000LL;
      EXPECT_EQ(idle, request.session_id != last->second.session_id);
    }
    last_of_user[request.user] = request;
  }
  EXPECT_EQ(last_of_user.size(), 200u);
  EXPECT_EQ(finished, 200);
  EXPECT_EQ(static_cast<int64_t>(begun.size()), schedule.num_sessions());
}

TEST_F(SynthTest, ClicksFollowTheTopicsOfTheHistory) {
  const SynthCounts counts = write({.users = 300});
  const WholeLog whole = read();
  std::set<std::pair<int64_t, int64_t>> clicked;
  for (const EventRecords& block : whole.events) {
    for (int64_t i = 0; i < block.num_events(); ++i) {
      EXPECT_TRUE(clicked.emplace(block.request_id[i], block.item_id[i]).second) << "twice";
    }
  }
  // Candidates whose topic fills more than a tenth of the history against all others.
  double shown[2] = {0, 0}, clicks[2] = {0, 0};
  for (const FeatureRecords& block : whole.features) {
    const auto& history = block.user_features.get<int64_t>("history_topic");
    const auto& topics = block.item_features.get<int64_t>("item_topic");
    for (int64_t row = 0; row < block.num_requests(); ++row) {
      for (int32_t c = block.candidate_offsets[row]; c < block.candidate_offsets[row + 1]; ++c) {
        const auto seen = history.row(row);
        const auto same = std::count(seen.begin(), seen.end(), topics.row(c)[0]);
        const bool liked = static_cast<double>(same) > 0.1 * static_cast<double>(seen.size());
        shown[liked] += 1;
        clicks[liked] += clicked.contains({block.request_id[row], block.item_id[c]});
      }
    }
  }
  EXPECT_EQ(clicks[0] + clicks[1], counts.clicks);
  EXPECT_GT(clicks[1] / shown[1], 0.3);
  EXPECT_LT(clicks[0] / shown[0], 0.06);
}

// The stated NE belongs to the planted probabilities: 40 % of candidates are clicked in a third to
// half of cases, the rest in 2 %.
TEST_F(SynthTest, BayesNeIsThatOfThePlantedProbabilities) {
  const SynthOptions options{.users = 800};
  const SynthCounts counts = write(options);
  const SynthTaste taste(options);
  SynthRandom random(99);
  const auto entropy = [](double p) { return -p * std::log(p) - (1 - p) * std::log(1 - p); };
  double sum_p = 0, sum_entropy = 0;
  const int num_draws = 100'000;
  for (int i = 0; i < num_draws; i += 20) {
    const UserTaste user = taste.draw_user(random);
    for (int c = 0; c < 20; ++c) {
      const double p = taste.click_probability(user, taste.draw_candidate(user, random));
      sum_p += p;
      sum_entropy += entropy(p);
    }
  }
  EXPECT_NEAR(counts.bayes_ne, sum_entropy / num_draws / entropy(sum_p / num_draws), 0.01);
  EXPECT_NEAR(static_cast<double>(counts.clicks) / counts.samples, sum_p / num_draws, 0.01);
}

TEST(SynthTasteTest, PreferredTopicsAreClickedFarMore) {
  const SynthOptions options;
  const SynthTaste taste(options);
  SynthRandom random(1);
  for (int user = 0; user < 20; ++user) {
    const UserTaste preferences = taste.draw_user(random);
    ASSERT_EQ(preferences.topics.size(), 3u);
    double preferred = 0, num_preferred = 0, other = 0, num_other = 0;
    for (int64_t item = 0; item < options.items; ++item) {
      const double p = taste.click_probability(preferences, item);
      const bool match =
          std::count(preferences.topics.begin(), preferences.topics.end(), taste.topic(item)) > 0;
      (match ? preferred : other) += p;
      (match ? num_preferred : num_other) += 1;
    }
    EXPECT_GT(preferred / num_preferred, 0.3);
    EXPECT_LT(preferred / num_preferred, 0.5);
    EXPECT_NEAR(other / num_other, 0.019, 0.003);
  }
}

TEST_F(SynthTest, SmallAndDegenerateSizes) {
  const SynthCounts one = write({.users = 1,
                                 .sessions_per_user = 1,
                                 .samples_per_session = 1,
                                 .candidates = 1,
                                 .items = 1,
                                 .topics = 1,
                                 .list_length = 0,
                                 .lists = 0,
                                 .item_features = 0});
  EXPECT_EQ(one.samples, 1);
  const WholeLog whole = read();
  EXPECT_EQ(whole.features.at(0).user_features.get<int64_t>("history_item_id").num_values(), 0);
  // As many candidates as items: every request shows them all.
  write({.users = 5, .samples_per_session = 20, .candidates = 20, .items = 20});
  for (const FeatureRecords& block : read().features) {
    for (int64_t row = 0; row < block.num_requests(); ++row) {
      const std::set<int64_t> shown(block.item_id.begin() + block.candidate_offsets[row],
                                    block.item_id.begin() + block.candidate_offsets[row + 1]);
      EXPECT_EQ(shown.size(), 20u);
    }
  }
}

TEST_F(SynthTest, RefusesWhatMakesNoSense) {
  for (const SynthOptions& options :
       {SynthOptions{.users = 0}, SynthOptions{.sessions_per_user = 0.5},
        SynthOptions{.samples_per_session = 4, .candidates = 8},
        SynthOptions{.items = 10, .topics = 20}, SynthOptions{.change_probability = 1.5},
        SynthOptions{.days = 0}}) {
    EXPECT_EQ(synthesize(root_ + "/logs", options).status().code(), StatusCode::kInvalidArgument);
  }
  std::ofstream(root_ + "/notes.txt") << "not a log";
  EXPECT_EQ(synthesize(root_, {}).status().code(), StatusCode::kInvalidArgument);
  EXPECT_TRUE(std::filesystem::exists(root_ + "/notes.txt"));
}

}  // namespace
}  // namespace onefold
