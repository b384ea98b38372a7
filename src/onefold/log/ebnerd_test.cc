// SPDX-License-Identifier: Apache-2.0
#include "onefold/log/ebnerd.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>

#include <gtest/gtest.h>

#include "onefold/base/files.h"
#include "onefold/log/json_table.h"
#include "onefold/log/random_records.h"

namespace onefold {
namespace {

namespace fs = std::filesystem;

std::vector<JsonColumn> behaviors() {
  const auto ids = arrow::large_list(arrow::int32());
  return {{"impression_id", arrow::uint32(), "[9, 9, 5]"},
          {"session_id", arrow::uint32(), "[70, 71, 70]"},
          {"user_id", arrow::uint32(), "[1, 2, 1]"},
          {"impression_time", arrow::timestamp(arrow::TimeUnit::MICRO),
           R"(["2023-05-18 07:00:10", "2023-05-18 07:00:05", "2023-05-18 07:01:00"])"},
          {"article_id", arrow::int32(), "[null, 33, null]"},
          {"read_time", arrow::float32(), "[4, 2.5, null]"},
          {"scroll_percentage", arrow::float32(), "[null, 50, null]"},
          {"device_type", arrow::int8(), "[1, 2, 1]"},
          {"is_sso_user", arrow::boolean(), "[true, false, null]"},
          {"gender", arrow::int8(), "[0, null, 0]"},
          {"age", arrow::int8(), "[30, null, 30]"},
          {"postcode", arrow::int8(), "[null, 4, null]"},
          {"is_subscriber", arrow::boolean(), "[false, false, true]"},
          {"article_ids_inview", ids, "[[11, 12], [11, 13, 14], [12]]"},
          {"article_ids_clicked", ids, "[[12], [13, 14], [12]]"},
          {"next_read_time", arrow::float32(), "[8, null, 1]"},
          {"next_scroll_percentage", arrow::float32(), "[1, 2, 3]"}};
}

std::vector<JsonColumn> history() {
  return {{"user_id", arrow::uint32(), "[1, 3]"},
          {"article_id_fixed", arrow::large_list(arrow::int32()), "[[101, 102], [103]]"},
          {"impression_time_fixed", arrow::large_list(arrow::timestamp(arrow::TimeUnit::MICRO)),
           R"([["2023-05-01 00:00:00", "2023-05-02 00:00:00"], ["2023-05-03 00:00:00"]])"},
          {"read_time_fixed", arrow::large_list(arrow::float32()), "[[1, 2], [3]]"},
          {"scroll_percentage_fixed", arrow::large_list(arrow::float32()), "[[null, 90], [80]]"}};
}

class EbnerdTest : public testing::Test {
 protected:
  void SetUp() override { write_split("train", behaviors(), history()); }

  void write_split(const std::string& split, const std::vector<JsonColumn>& behaviors,
                   const std::vector<JsonColumn>& history) {
    fs::create_directories(bundle_ + "/" + split);
    write_parquet(bundle_ + "/" + split + "/behaviors.parquet", behaviors);
    write_parquet(bundle_ + "/" + split + "/history.parquet", history);
  }

  Result<EbnerdCounts> import(EbnerdSplit split = EbnerdSplit::kAll) {
    return import_ebnerd(bundle_, logs_, split, {.num_shards = 1});
  }

  // The import fails with all of `parts` in its message and leaves nothing behind.
  void expect_failure(StatusCode code, const std::vector<std::string>& parts) {
    const Status status = import().status();
    EXPECT_EQ(status.code(), code) << status.message();
    for (const std::string& part : parts) {
      EXPECT_NE(status.message().find(part), std::string::npos) << status.message();
    }
    for (const auto& entry : fs::directory_iterator(root_)) {
      EXPECT_EQ(entry.path().filename(), "bundle");
    }
  }

  const std::string root_ = fresh_directory();
  const std::string bundle_ = root_ + "/bundle", logs_ = root_ + "/logs";
};

TEST_F(EbnerdTest, RowsBecomeRequestsInTimeOrder) {
  const EbnerdCounts counts = import().value();
  EXPECT_EQ(counts.requests, 3);
  EXPECT_EQ(counts.candidates, 6);
  EXPECT_EQ(counts.clicks, 4);
  EXPECT_EQ(counts.users_without_history, 1);
  EXPECT_TRUE(counts.skipped.empty());

  const WholeLog whole = read_whole_log(logs_);
  ASSERT_EQ(whole.features.size(), 1u);
  const FeatureRecords& r = whole.features[0];
  constexpr int64_t kTrain = 10'000'000'000;
  EXPECT_EQ(r.request_id, (std::vector<int64_t>{kTrain + 1, kTrain + 0, kTrain + 2}));
  EXPECT_EQ(r.session_id, (std::vector<int64_t>{kTrain + 71, kTrain + 70, kTrain + 70}));
  EXPECT_EQ(r.user_id, (std::vector<int64_t>{2, 1, 1}));
  EXPECT_EQ(r.time_us[1], 1'684'393'210'000'000);
  EXPECT_EQ(r.item_id, (std::vector<int64_t>{11, 13, 14, 11, 12, 12}));
  EXPECT_EQ(r.candidate_offsets, (std::vector<int32_t>{0, 3, 5, 6}));
  EXPECT_EQ(r.user_dense.names, (std::vector<std::string>{"is_sso_user", "is_subscriber"}));
  EXPECT_EQ(std::vector<float>(r.user_dense.values.begin(), r.user_dense.values.begin() + 4),
            (std::vector<float>{0, 0, 1, 0}));
  EXPECT_TRUE(std::isnan(r.user_dense.values[4]));

  const auto& articles = r.user_features.get<int64_t>("history_article_id");
  EXPECT_EQ(articles.offsets(), (std::vector<int32_t>{0, 0, 2, 4}));  // user 2 has no history
  EXPECT_EQ(articles.values(), (std::vector<int64_t>{101, 102, 101, 102}));
  EXPECT_EQ(r.user_features.get<int64_t>("history_time").values()[0], 1'682'899'200);
  const auto& scroll = r.user_features.get<float>("history_scroll");
  EXPECT_TRUE(std::isnan(scroll.values()[0]));
  EXPECT_EQ(scroll.values()[1], 90);
  EXPECT_EQ(r.user_features.get<int64_t>("gender").offsets(), (std::vector<int32_t>{0, 0, 1, 2}));
  EXPECT_EQ(r.user_features.get<int64_t>("page_article_id").values(), std::vector<int64_t>{33});
}

TEST_F(EbnerdTest, ClicksBecomeEvents) {
  ASSERT_TRUE(import().ok());
  const WholeLog whole = read_whole_log(logs_);
  ASSERT_EQ(whole.events.size(), 1u);
  const EventRecords& e = whole.events[0];
  EXPECT_EQ(e.item_id, (std::vector<int64_t>{13, 14, 12, 12}));
  EXPECT_EQ(e.request_id[2], 10'000'000'000);
  EXPECT_EQ(e.action, std::vector<std::string>(4, "click"));
  EXPECT_TRUE(std::isnan(e.value[0]));
  EXPECT_EQ(e.value[2], 8);
  EXPECT_EQ(e.time_us[0], 1'684'393'207'500'000);  // read_time 2.5 s after the impression
  EXPECT_EQ(e.time_us[3], 1'684'393'260'000'000);  // read_time unknown
}

// What is known only after the request must not be a feature.
TEST_F(EbnerdTest, NoFeatureKnowsTheOutcome) {
  for (const FeatureSpec& feature : ebnerd_schema().features) {
    EXPECT_NE(feature.name, "read_time");
    EXPECT_NE(feature.name, "scroll_percentage");
    EXPECT_FALSE(feature.name.starts_with("next_"));
  }
  EXPECT_TRUE(ebnerd_schema().validate().ok());
}

TEST_F(EbnerdTest, SplitsKeepApart) {
  write_split("validation", behaviors(), history());
  EXPECT_EQ(import(EbnerdSplit::kAll)->requests, 6);
  const WholeLog whole = read_whole_log(logs_);
  std::set<int64_t> requests, sessions;
  for (const auto& block : whole.features) {
    requests.insert(block.request_id.begin(), block.request_id.end());
    sessions.insert(block.session_id.begin(), block.session_id.end());
  }
  EXPECT_EQ(requests.size(), 6u);
  EXPECT_EQ(sessions.size(), 4u);
  EXPECT_EQ(import(EbnerdSplit::kValidation)->requests, 3);  // replaces the log
  EXPECT_EQ(read_whole_log(logs_).num_requests(), 3);
}

TEST_F(EbnerdTest, RowsThatCannotBeUsedAreCounted) {
  auto rows = behaviors();
  rows[2].json = "[null, 2, 1]";
  rows[3].json = R"(["2023-05-18 07:00:10", "2023-05-18 07:00:05", null])";
  write_split("train", rows, history());
  const EbnerdCounts counts = import().value();
  EXPECT_EQ(counts.requests, 1);
  EXPECT_EQ(counts.clicks, 2);
  EXPECT_EQ(counts.skipped,
            (std::map<std::string, int64_t>{{"no impression_time", 1}, {"no user_id", 1}}));
}

TEST_F(EbnerdTest, MissingFolderOrFile) {
  fs::remove(bundle_ + "/train/history.parquet");
  expect_failure(StatusCode::kNotFound, {"train/history.parquet"});
  fs::remove_all(bundle_ + "/train");
  expect_failure(StatusCode::kNotFound, {"neither train/ nor validation/"});
}

TEST_F(EbnerdTest, ColumnOfAnotherType) {
  auto rows = behaviors();
  rows[13] = {"article_ids_inview", arrow::utf8(), R"(["11 12", "11 13 14", "12"])"};
  write_split("train", rows, history());
  expect_failure(StatusCode::kSchema, {"train/behaviors.parquet", "'article_ids_inview'",
                                       "expected lists of integers", "got string"});
}

TEST_F(EbnerdTest, MissingColumn) {
  auto lists = history();
  lists.pop_back();
  write_split("train", behaviors(), lists);
  expect_failure(StatusCode::kSchema, {"train/history.parquet", "'scroll_percentage_fixed'"});
}

TEST_F(EbnerdTest, HistoryListsOfUnequalLength) {
  auto lists = history();
  lists[3].json = "[[1, 2], [3, 4]]";
  write_split("train", behaviors(), lists);
  expect_failure(StatusCode::kDataLoss, {"train/history.parquet", "row 1", "user 3"});
}

TEST_F(EbnerdTest, CutFile) {
  const std::string path = bundle_ + "/train/behaviors.parquet";
  fs::resize_file(path, fs::file_size(path) / 2);
  expect_failure(StatusCode::kDataLoss, {"train/behaviors.parquet"});
}

TEST_F(EbnerdTest, ReplacesOnlyLogs) {
  fs::create_directories(logs_);
  std::ofstream(logs_ + "/photo.jpg") << "x";
  EXPECT_EQ(import().status().code(), StatusCode::kInvalidArgument);
  EXPECT_TRUE(path_exists(logs_ + "/photo.jpg"));
}

TEST_F(EbnerdTest, AFailedImportLeavesTheOlderLog) {
  ASSERT_TRUE(import().ok());
  fs::remove(bundle_ + "/train/history.parquet");
  EXPECT_FALSE(import().ok());
  EXPECT_EQ(read_whole_log(logs_).num_requests(), 3);
}

TEST_F(EbnerdTest, TheRealTrainWeek) {
  const std::string data = std::string(ONEFOLD_SHARED_DATA) + "/ebnerd_demo";
  if (!path_exists(data)) GTEST_SKIP() << "no EB-NeRD demo bundle at " << data;
  std::vector<int64_t> done;
  const auto progress = [&](int64_t requests, int64_t all) {
    EXPECT_EQ(all, 24'724);
    done.push_back(requests);
  };
  const EbnerdCounts counts = import_ebnerd(data, logs_, EbnerdSplit::kTrain, {}, progress).value();
  EXPECT_TRUE(std::is_sorted(done.begin(), done.end()));
  EXPECT_EQ(done.front(), 256);
  EXPECT_EQ(done.back(), 24'724);
  EXPECT_EQ(counts.requests, 24'724);
  EXPECT_EQ(counts.candidates, 278'139);
  EXPECT_EQ(counts.clicks, 24'888);
  EXPECT_EQ(counts.users_without_history, 0);
  EXPECT_TRUE(counts.skipped.empty());

  const WholeLog whole = read_whole_log(logs_);
  EXPECT_EQ(whole.num_requests(), 24'724);
  EXPECT_EQ(whole.num_events(), 24'888);
  EXPECT_TRUE(whole.torn_tails.empty());
  int64_t history_values = 0;
  std::set<int64_t> sessions, users;
  for (const FeatureRecords& block : whole.features) {
    history_values += block.user_features.get<int64_t>("history_article_id").num_values();
    sessions.insert(block.session_id.begin(), block.session_id.end());
    users.insert(block.user_id.begin(), block.user_id.end());
  }
  EXPECT_NEAR(static_cast<double>(history_values), 7.44e6, 0.005e6);
  EXPECT_EQ(sessions.size(), 12'944u);
  EXPECT_EQ(users.size(), 1'590u);
}

}  // namespace
}  // namespace onefold
