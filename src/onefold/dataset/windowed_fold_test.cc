// SPDX-License-Identifier: Apache-2.0
// Folding with windows, as training and verification see it; test/fold_window_test.py compares
// files.
#include <map>

#include <arrow/table.h>
#include <gtest/gtest.h>

#include "onefold/dataset/fold_dataset.h"
#include "onefold/dataset/unfold_table.h"
#include "onefold/table/arrow_file.h"
#include "onefold/table/foreign_files.h"
#include "onefold/table/verify_table.h"

namespace onefold {
namespace {

constexpr const char* kSamples = "part-00000.samples.parquet";

// Users whose lists slide by one value at each of their samples, some of unequal length.
Batch sliding_batch(int64_t num_samples) {
  std::map<int64_t, int64_t> seen;
  return with_history(random_batch(num_samples, 1), [&](int64_t user, int64_t i) {
    const int64_t begin = seen[user]++;
    std::vector<int64_t> ids;
    std::vector<float> times;
    for (int64_t e = begin; e < begin + 9; ++e) {
      ids.push_back(user * 1000 + e);
      times.push_back(static_cast<float>(e) / 3);
    }
    if (i % 23 == 0) times.pop_back();
    return std::pair(ids, times);
  });
}

// A plain table's file is a Parquet file with all keys.
class WindowedFoldTest : public testing::Test {
 protected:
  void SetUp() override {
    plain_ = test_path("plain");
    write_table(plain_, {sliding_batch(200)}, {.layout = TableLayout::kPlain});
    table_ = test_path("table");
  }

  Result<FoldReport> fold(const std::vector<std::string>& windowed) {
    return fold_dataset(plain_ + "/part-00000.parquet", table_,
                        {.groups = {{"history", windowed, true}, {"profile", {"country"}}},
                         .labels = {"click", "watch"}});
  }
  Status unfold() {
    const std::string copy = test_path("copy");
    return unfold_table(table_, copy, {}).status();
  }
  // Sample 7's value of a column becomes `value`.
  void set(const std::string& column, int64_t value) {
    rewrite_file(table_, kSamples, [&](int, std::shared_ptr<arrow::Table> samples) {
      std::vector<int64_t> values = int64_column(*samples, column);
      values[7] = value;
      return with_column(samples, column, int64_array(values));
    });
  }

  std::string plain_, table_;
};

TEST_F(WindowedFoldTest, TrainingReadsTheSameSamples) {
  const FoldReport report = fold({"viewed", "dwell"}).value();
  EXPECT_TRUE(report.missing_keys.empty());
  const FoldedGroup& history = report.groups.at(0);
  EXPECT_LT(2 * history.unique, history.windows);
  EXPECT_LT(2 * history.unique_bytes, history.distinct_bytes);
  const Manifest manifest = read_manifest(table_).value();
  EXPECT_EQ(manifest.format_version, 2);
  EXPECT_EQ(manifest.schema.windowed_groups, (std::vector<std::string>{"history"}));
  EXPECT_EQ(manifest.group_stats.at(0).windows, history.windows);
  EXPECT_EQ(manifest.group_stats.at(0).unique, history.unique);
  const Batch expected = unfolded(read_table(plain_).at(0));
  EXPECT_EQ(unfolded(read_table(table_).at(0)), expected);
  const Batch windows = read_table(table_, {.windows = true}).at(0);
  EXPECT_TRUE(windows.groups.at(0).features.is_windowed());
  EXPECT_EQ(unfolded(windows), expected);
  const TableVerification found = verify_table(table_).value();
  for (const TableProblem& problem : found.problems) ADD_FAILURE() << problem.file << problem.what;
  EXPECT_EQ(found.unused_rows, 0);
}

TEST_F(WindowedFoldTest, AWindowThatLeavesItsRowIsDamage) {
  for (const auto& [column, value] : std::vector<std::pair<std::string, int64_t>>{
           {"history.start", -1},
           {"history.start", 1000},
           {"history.len", -1},
           {"history.len", std::numeric_limits<int64_t>::max()},
           {"history.ref", -5}}) {
    ASSERT_TRUE(fold({"viewed", "dwell"}).ok());
    set(column, value);
    const Status status = unfold();
    EXPECT_EQ(status.code(), StatusCode::kDataLoss) << column;
    for (const std::string word : {kSamples, "row group 0", "sample 7", column.c_str()}) {
      EXPECT_NE(status.message().find(word), std::string::npos) << status.message();
    }
    const TableVerification found = verify_table(table_).value();
    const bool named =
        std::any_of(found.problems.begin(), found.problems.end(), [&](const TableProblem& problem) {
          return problem.file == kSamples && problem.what.find("sample 7") != std::string::npos;
        });
    EXPECT_TRUE(named) << column;
  }
}

TEST_F(WindowedFoldTest, AMissingWindowColumnIsAnError) {
  ASSERT_TRUE(fold({"viewed", "dwell"}).ok());
  rewrite_file(table_, kSamples, [&](int, std::shared_ptr<arrow::Table> samples) {
    return samples->RemoveColumn(samples->schema()->GetFieldIndex("history.len")).ValueOrDie();
  });
  const Status status = unfold();
  EXPECT_EQ(status.code(), StatusCode::kSchema);
  EXPECT_NE(status.message().find("'history.len'"), std::string::npos) << status.message();
}

// The longest list of a group may be in a column that training does not see.
TEST_F(WindowedFoldTest, AColumnThatIsNoFeature) {
  ASSERT_TRUE(fold({"dwell", "viewed"}).ok());
  edit_manifest(table_, [](nlohmann::json& root) {
    auto& features = root["schema"]["features"];
    for (size_t f = 0; f < features.size(); ++f) {
      if (features[f]["name"] == "viewed") features.erase(f--);
    }
  });
  const Batch read = read_table(table_).at(0), expected = read_table(plain_).at(0);
  EXPECT_EQ(expand(read.groups[0].features).get<float>("dwell"),
            expand(expected.groups[0].features).get<float>("dwell"));
}

TEST_F(WindowedFoldTest, SourceAndSchemaAgreeOnWindows) {
  ASSERT_TRUE(fold({"viewed", "dwell"}).ok());
  for (const char* groups :
       {"[]", R"(["history", "history"])", R"(["profile"])", R"(["nothing"])"}) {
    edit_manifest(table_, [&](nlohmann::json& root) {
      root["source"]["windowed_groups"] = nlohmann::json::parse(groups);
    });
    EXPECT_EQ(read_manifest(table_).status().code(), StatusCode::kSchema) << groups;
  }
}

TEST_F(WindowedFoldTest, WhatIsNoList) {
  const Status status = fold({"viewed", "price"}).status();
  EXPECT_EQ(status.code(), StatusCode::kUnsupported);
  EXPECT_NE(status.message().find("'price'"), std::string::npos) << status.message();
  EXPECT_FALSE(path_exists(table_));
}

}  // namespace
}  // namespace onefold
