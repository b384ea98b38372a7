// SPDX-License-Identifier: Apache-2.0
#include "onefold/log/long_term.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>

#include <gtest/gtest.h>

#include "onefold/base/files.h"
#include "onefold/log/long_term_catalog.h"
#include "onefold/log/parquet_columns.h"
#include "onefold/log/random_records.h"

namespace onefold {
namespace {

struct EventRow {
  int64_t user, item, author, topic, time_us;
  float watch_seconds, duration_seconds;
  bool operator==(const EventRow&) const = default;
};

LongTermOptions small() {
  return {.users = 12,
          .min_events = 200,
          .max_events = 3'000,
          .mean_events = 800,
          .items = 600,
          .authors = 60,
          .topics = 12,
          .days = 12,
          .ranking_days = 4,
          .sessions_per_user = 6,
          .samples_per_session = 20,
          .candidates = 10,
          .history_length = 50};
}

class LongTermTest : public testing::Test {
 protected:
  LongTermCounts write(const LongTermOptions& options, const std::string& name = "a") {
    auto counts = synthesize_long_term(root_ + "/logs_" + name, root_ + "/events_" + name, options,
                                       {.num_shards = 1});
    EXPECT_TRUE(counts.ok()) << counts.status().message();
    return *counts;
  }

  WholeLog read_log(const std::string& name = "a") {
    return read_whole_log(root_ + "/logs_" + name);
  }

  // Of all days, by file and row.
  std::vector<EventRow> read_events(const std::string& name = "a") {
    std::vector<EventRow> rows;
    const std::string directory = root_ + "/events_" + name;
    const std::vector<std::string> names = list_files(directory).value();
    for (const std::string& file : names) {
      if (!file.ends_with(".parquet")) continue;
      auto columns = ParquetColumns::open(directory + "/" + file).value();
      const auto users = columns.ids("user_id").value(), items = columns.ids("item_id").value();
      const auto authors = columns.ids("author_id").value(),
                 topics = columns.ids("topic_id").value();
      const auto times = columns.times_us("time").value();
      const auto watch = columns.floats("watch_time").value();
      const auto duration = columns.floats("duration").value();
      for (int64_t i = 0; i < columns.num_rows(); ++i) {
        rows.push_back({users.row(i)[0], items.row(i)[0], authors.row(i)[0], topics.row(i)[0],
                        times.row(i)[0], std::isnan(watch[i]) ? -1 : watch[i], duration[i]});
      }
    }
    return rows;
  }

  const std::string root_ = fresh_directory();
};

TEST_F(LongTermTest, TheSameSeedGivesTheSameRecords) {
  LongTermOptions options = small();
  const LongTermCounts first = write(options, "a"), second = write(options, "b");
  EXPECT_EQ(first.bayes_ne, second.bayes_ne);
  EXPECT_EQ(read_log("a").features, read_log("b").features);
  EXPECT_EQ(read_log("a").events, read_log("b").events);
  EXPECT_EQ(read_events("a"), read_events("b"));
  options.seed = 2;
  write(options, "c");
  EXPECT_NE(read_events("a"), read_events("c"));
}

TEST_F(LongTermTest, CountsAreThoseOfTheFiles) {
  const LongTermOptions options = small();
  const LongTermCounts counts = write(options);
  std::map<int64_t, int64_t> events_of_user;
  int64_t num_explicit = 0;
  const std::vector<EventRow> events = read_events();
  for (const EventRow& event : events) {
    ++events_of_user[event.user];
    num_explicit += event.watch_seconds < 0;
    EXPECT_EQ(event.author % options.topics, event.topic);
    EXPECT_LE(event.watch_seconds, 4 * event.duration_seconds);
  }
  EXPECT_EQ(static_cast<int64_t>(events.size()), counts.events);
  EXPECT_EQ(num_explicit, counts.explicit_events);
  EXPECT_EQ(static_cast<int64_t>(events_of_user.size()), options.users);
  int64_t least = counts.events, most = 0;
  for (const auto& [user, number] : events_of_user) {
    least = std::min(least, number);
    most = std::max(most, number);
  }
  EXPECT_EQ(least, counts.least_events);
  EXPECT_EQ(most, counts.most_events);
  EXPECT_GE(least, options.min_events);
  EXPECT_LE(most, options.max_events);

  const WholeLog whole = read_log();
  EXPECT_EQ(whole.num_requests(), counts.requests);
  EXPECT_EQ(whole.num_events(), counts.clicks + counts.likes);
  EXPECT_EQ(counts.samples, counts.requests * options.candidates);
  for (const FeatureRecords& block : whole.features) check_records(block, long_term_schema());
}

// The tail is heavy, and the mean is the one asked for.
TEST_F(LongTermTest, EventsPerUserHaveTheMeanAndTheTail) {
  LongTermOptions options = small();
  options.users = 200;
  options.ranking_days = 1;
  options.sessions_per_user = 0;
  const LongTermCounts counts = write(options);
  EXPECT_NEAR(static_cast<double>(counts.events) / 200, 800, 10);
  EXPECT_LT(counts.least_events, 220);
  EXPECT_GT(counts.most_events, 2'700);
  EXPECT_EQ(counts.samples, 0);
}

// A request logs exactly the newest events before it, and what it shows comes later.
TEST_F(LongTermTest, HistoriesAreTheNewestEventsBeforeTheRequest) {
  const LongTermOptions options = small();
  write(options);
  std::map<int64_t, std::vector<EventRow>> timelines;
  for (const EventRow& event : read_events()) timelines[event.user].push_back(event);
  int64_t requests = 0;
  const WholeLog whole = read_log();
  for (const FeatureRecords& block : whole.features) {
    const auto& items = block.user_features.get<int64_t>("history_item_id");
    const auto& watch = block.user_features.get<float>("history_watch_time");
    for (int64_t row = 0; row < block.num_requests(); ++row, ++requests) {
      std::vector<EventRow>& timeline = timelines.at(block.user_id[row]);
      std::stable_sort(timeline.begin(), timeline.end(),
                       [](const auto& a, const auto& b) { return a.time_us < b.time_us; });
      const auto end = std::find_if(timeline.begin(), timeline.end(), [&](const EventRow& event) {
        return event.time_us >= block.time_us[row];
      });
      ASSERT_EQ(items.length(row),
                std::min<int64_t>(options.history_length, end - timeline.begin()));
      for (int64_t i = 0; i < items.length(row); ++i) {
        const EventRow& event = *(end - items.length(row) + i);
        EXPECT_EQ(items.row(row)[i], event.item);
        const float seconds = watch.row(row)[i];
        EXPECT_EQ(std::isnan(seconds) ? -1 : seconds, event.watch_seconds);
      }
      for (int32_t c = block.candidate_offsets[row]; c < block.candidate_offsets[row + 1]; ++c) {
        EXPECT_TRUE(std::any_of(end, timeline.end(), [&](const EventRow& event) {
          return event.item == block.item_id[c];
        }));
      }
    }
  }
  EXPECT_GT(requests, 50);
}

// The oracle of the planted claim, as simple as can be: how often a user engaged with the topic
// before, over the newest n events. More events rank candidates better.
TEST_F(LongTermTest, MoreHistorySaysMoreAboutTaste) {
  LongTermOptions options = small();
  options.users = 150;
  options.min_events = 1'500;
  options.mean_events = 2'500;
  options.days = 60;
  options.topics = 40;
  options.sessions_per_user = 20;
  write(options);
  std::map<int64_t, std::vector<EventRow>> timelines;
  for (const EventRow& event : read_events()) timelines[event.user].push_back(event);
  std::set<std::pair<int64_t, int64_t>> clicked;
  const WholeLog whole = read_log();
  for (const EventRecords& block : whole.events) {
    for (int64_t i = 0; i < block.num_events(); ++i) {
      if (block.action[i] == "click") clicked.emplace(block.request_id[i], block.item_id[i]);
    }
  }
  // Events of the last day are left out: they show the present interest.
  constexpr int64_t kGapUs = 24LL * 3'600'000'000;
  std::map<int64_t, double> correct, pairs;
  for (const FeatureRecords& block : whole.features) {
    const auto& topics = block.item_features.get<int64_t>("item_topic");
    for (int64_t row = 0; row < block.num_requests(); ++row) {
      const std::vector<EventRow>& timeline = timelines[block.user_id[row]];
      for (int64_t newest : {100, 2'000}) {
        std::map<int64_t, double> score;
        int64_t left = newest;
        for (auto event = timeline.rbegin(); event != timeline.rend() && left > 0; ++event) {
          if (event->time_us > block.time_us[row] - kGapUs) continue;
          score[event->topic] += event->watch_seconds > 0.29f * event->duration_seconds;
          --left;
        }
        std::vector<double> scores[2];
        for (int32_t c = block.candidate_offsets[row]; c < block.candidate_offsets[row + 1]; ++c) {
          scores[clicked.contains({block.request_id[row], block.item_id[c]})].push_back(
              score[topics.row(c)[0]]);
        }
        for (double positive : scores[1]) {
          for (double negative : scores[0]) {
            correct[newest] += positive > negative ? 1 : positive == negative ? 0.5 : 0;
            pairs[newest] += 1;
          }
        }
      }
    }
  }
  const double few = correct[100] / pairs[100], many = correct[2'000] / pairs[2'000];
  EXPECT_GT(few, 0.52);
  EXPECT_GT(many, few + 0.05) << few;
}

TEST_F(LongTermTest, RefusesWhatMakesNoSense) {
  for (auto change : std::vector<void (*)(LongTermOptions&)>{
           [](auto& o) { o.users = 0; }, [](auto& o) { o.mean_events = 100; },
           [](auto& o) { o.mean_events = 5'000; }, [](auto& o) { o.authors = 5; },
           [](auto& o) { o.ranking_days = 13; }, [](auto& o) { o.candidates = 500; }}) {
    LongTermOptions options = small();
    change(options);
    EXPECT_EQ(synthesize_long_term(root_ + "/l", root_ + "/e", options).status().code(),
              StatusCode::kInvalidArgument);
  }
}

TEST_F(LongTermTest, ReplacesItsOwnEventsOnly) {
  write(small());
  LongTermOptions fewer = small();
  fewer.days = 5;
  write(fewer);
  EXPECT_EQ(list_files(root_ + "/events_a")->size(), 6u);  // five days and the mapping
  std::filesystem::create_directories(root_ + "/events_b");
  std::ofstream(root_ + "/events_b/mapping.toml") << "[columns]\n";
  EXPECT_EQ(synthesize_long_term(root_ + "/logs_b", root_ + "/events_b", small()).status().code(),
            StatusCode::kInvalidArgument);
  EXPECT_FALSE(path_exists(root_ + "/logs_b"));
}

}  // namespace
}  // namespace onefold
