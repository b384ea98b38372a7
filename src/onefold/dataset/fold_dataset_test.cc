// SPDX-License-Identifier: Apache-2.0
// What test/fold_test.py does not show: memory's bounds are the caller's, damage is an error.
#include "onefold/dataset/fold_dataset.h"

#include <filesystem>
#include <fstream>
#include <random>

#include <arrow/builder.h>
#include <arrow/table.h>
#include <gtest/gtest.h>

#include "onefold/base/files.h"
#include "onefold/dataset/unfold_table.h"
#include "onefold/table/arrow_file.h"
#include "onefold/table/manifest.h"

namespace onefold {
namespace {

class FoldDatasetTest : public testing::Test {
 protected:
  void SetUp() override {
    const auto* info = testing::UnitTest::GetInstance()->current_test_info();
    root_ = testing::TempDir() + "/onefold_" + info->name() + std::to_string(getpid());
    ASSERT_TRUE(make_directories(root_ + "/source").ok());
    // Lists that come back after another one, in two row groups.
    auto values = std::make_shared<arrow::Int32Builder>();
    arrow::ListBuilder builder(arrow::default_memory_pool(), values);
    for (int row = 0; row < 40; ++row) {
      ASSERT_TRUE(builder.Append().ok());
      for (int i = 0; i < row % 4; ++i) ASSERT_TRUE(values->Append(row % 4 + i).ok());
    }
    const auto lists = builder.Finish().ValueOrDie();
    rows_ = arrow::Table::Make(arrow::schema({arrow::field("l", lists->type())}), {lists});
    auto writer =
        ArrowFileWriter::create(root_ + "/source/x.parquet", *rows_->schema(), {}).value();
    ASSERT_TRUE(writer->write_row_group(*rows_->Slice(0, 25)).ok());
    ASSERT_TRUE(writer->write_row_group(*rows_->Slice(25)).ok());
    ASSERT_TRUE(writer->close().ok());
  }
  void TearDown() override { std::filesystem::remove_all(root_); }

  Result<FoldReport> fold() {
    return fold_dataset(root_ + "/source", root_ + "/table", {.groups = {{"g", {"l"}}}});
  }
  Status unfold() { return unfold_table(root_ + "/table", root_ + "/copy", {}).status(); }

  std::string root_;
  std::shared_ptr<arrow::Table> rows_;
};

TEST_F(FoldDatasetTest, CountsAndRefs) {
  const FoldReport report = fold().value();
  EXPECT_EQ(report.groups.at(0).samples, 40);
  EXPECT_EQ(report.groups.at(0).unique, 4 + 4);  // each row group has its own
  const Manifest manifest = read_manifest(root_ + "/table").value();
  const GroupStats& stats = manifest.group_stats.at(0);
  EXPECT_EQ(stats.sample_values, 10 * (0 + 1 + 2 + 3));
  EXPECT_EQ(stats.unique_values, 2 * (0 + 1 + 2 + 3));
  EXPECT_EQ(manifest.parts.at(0).groups.at(0).file.row_group_rows, (std::vector<int64_t>{4, 4}));
  EXPECT_EQ(manifest.source->columns.at(0).group, "g");
  EXPECT_FALSE(manifest.source->missing_keys.empty());
}

TEST_F(FoldDatasetTest, AnOlderTableIsReplacedAndKeptOnError) {
  ASSERT_TRUE(fold().ok());
  const std::string before = read_file(root_ + "/table/_onefold.json").value();
  ASSERT_TRUE(fold().ok());
  EXPECT_EQ(read_file(root_ + "/table/_onefold.json").value(), before);  // the same bytes again
  ASSERT_TRUE(write_file_atomic(root_ + "/source/y.parquet", "not Parquet").ok());
  EXPECT_EQ(fold().status().code(), StatusCode::kDataLoss);
  EXPECT_EQ(read_file(root_ + "/table/_onefold.json").value(), before);
}

// A byte of any file changed: unfolding fails and names the file, and nothing is left behind.
TEST_F(FoldDatasetTest, DamageIsAnError) {
  ASSERT_TRUE(fold().ok());
  std::mt19937_64 random(1);
  for (const std::string name :
       {"part-00000.samples.parquet", "part-00000.g.parquet", "_onefold.json"}) {
    const std::string path = root_ + "/table/" + name, bytes = read_file(path).value();
    for (int flip = 0; flip < 50; ++flip) {
      std::string damaged = bytes;
      const size_t i = random() % bytes.size();
      damaged[i] = static_cast<char>(damaged[i] ^ (1 + random() % 255));
      // In the key "checksum" itself: nothing else is changed, and table verify reports it.
      if (name == "_onefold.json" && damaged.find("\"checksum\":") == std::string::npos) continue;
      std::ofstream(path, std::ios::binary) << damaged;
      const Status status = unfold();
      ASSERT_FALSE(status.ok()) << name << ", byte " << i;
      EXPECT_NE(status.message().find(name), std::string::npos) << status.message();
      ASSERT_FALSE(path_exists(root_ + "/copy"));
    }
    std::ofstream(path, std::ios::binary) << bytes;
  }
  EXPECT_TRUE(unfold().ok());
}

TEST_F(FoldDatasetTest, PathsThatLeadOutOfTheDestination) {
  ASSERT_TRUE(fold().ok());
  Manifest manifest = read_manifest(root_ + "/table").value();
  manifest.parts.at(0).source = "../x.parquet";
  ASSERT_TRUE(write_manifest(root_ + "/table", manifest).ok());
  EXPECT_EQ(unfold().code(), StatusCode::kSchema);
}

}  // namespace
}  // namespace onefold
