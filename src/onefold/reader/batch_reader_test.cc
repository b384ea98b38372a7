// SPDX-License-Identifier: Apache-2.0
#include "onefold/reader/batch_reader.h"

#include <filesystem>

#include <gtest/gtest.h>
#include <unistd.h>

#include "onefold/build/build.h"
#include "onefold/log/ebnerd.h"
#include "onefold/reader/fake_table.h"
#include "onefold/table/table_writer.h"

namespace onefold {
namespace {

namespace fs = std::filesystem;

std::vector<Batch> read_epoch(BatchReader& reader) {
  std::vector<Batch> batches;
  while (auto batch = reader.next().value()) batches.push_back(std::move(*batch));
  return batches;
}

class BatchReaderOnTables : public testing::Test {
 protected:
  BatchReaderOnTables() {
    const auto* test = testing::UnitTest::GetInstance()->current_test_info();
    directory_ = fs::path(testing::TempDir()) /
                 ("onefold_reader_" + std::to_string(getpid()) + "_" + test->name());
    fs::remove_all(directory_);
    fs::create_directories(directory_);
  }
  ~BatchReaderOnTables() override { fs::remove_all(directory_); }

  std::string path(const std::string& name) const { return (directory_ / name).string(); }

  // 480 samples in row groups of 50, in two partitions.
  std::string write_table(TableLayout layout) const {
    const std::string table = path(to_string(layout));
    const Batch samples = fake_samples(120);
    auto writer = TableWriter::open(table, fake_schema(), {.layout = layout}).value();
    for (int64_t begin = 0; begin < samples.num_samples(); begin += 50) {
      const Batch rows = sample_range(samples, begin, std::min(begin + 50, samples.num_samples()));
      EXPECT_TRUE(writer->write(begin < 200 ? "dt=1" : "dt=2", refolded(rows)).ok());
    }
    EXPECT_TRUE(writer->finish().ok());
    return table;
  }

  fs::path directory_;
};

TEST_F(BatchReaderOnTables, PlainAndFoldedGiveEqualBatches) {
  const std::string folded = write_table(TableLayout::kFolded);
  const std::string plain = write_table(TableLayout::kPlain);
  for (bool fold : {true, false}) {
    const BatchReaderOptions options{.batch_size = 64, .fold = fold, .seed = 5};
    auto from_folded = BatchReader::open(folded, options).value();
    auto from_plain = BatchReader::open(plain, options).value();
    for (int epoch = 0; epoch < 2; ++epoch) {
      const auto batches = read_epoch(*from_folded);
      EXPECT_EQ(batches.size(), 8u);
      EXPECT_EQ(batches, read_epoch(*from_plain));
      for (const Batch& batch : batches) {
        check_batch(batch, from_folded->schema());
        EXPECT_EQ(batch, fold ? refolded(batch) : unfolded(batch));
      }
    }
    EXPECT_GT(from_folded->stats().bytes_read, 0);
  }
}

TEST_F(BatchReaderOnTables, WithoutShuffleGivesTheSamplesAsWritten) {
  const std::string table = write_table(TableLayout::kFolded);
  auto reader = BatchReader::open(table, {.batch_size = 100, .shuffle = false}).value();
  EXPECT_EQ(unfolded(concatenate(read_epoch(*reader))), fake_samples(120));
}

TEST_F(BatchReaderOnTables, ReadsOnlyTheNamedColumns) {
  const std::string table = write_table(TableLayout::kFolded);
  auto reader =
      BatchReader::open(table, {.columns = {"items", "age", "click"}, .batch_size = 100}).value();
  const Batch batch = reader->next().value().value();
  check_batch(batch, reader->schema());
  EXPECT_EQ(batch.dense.names, std::vector<std::string>{"age"});
  ASSERT_EQ(batch.groups.size(), 1u);
  EXPECT_EQ(batch.groups[0].features.unique().keys(), std::vector<std::string>{"items"});
  EXPECT_EQ(batch.features.num_keys(), 0);
}

// The positions of a holdout are found by a projection of the table to its keys.
TEST_F(BatchReaderOnTables, RestoresWithAHoldout) {
  const std::string table = write_table(TableLayout::kFolded);
  const BatchReaderOptions options{.batch_size = 20, .holdout_begin = 0.2, .holdout_end = 0.7};
  auto reader = BatchReader::open(table, options).value();
  const auto expected = read_epoch(*reader);
  for (size_t done = 0; done <= expected.size(); ++done) {
    auto resumed = BatchReader::open(table, options).value();
    ASSERT_TRUE(resumed->restore({0, static_cast<int64_t>(done)}).ok());
    EXPECT_EQ(read_epoch(*resumed), std::vector<Batch>(expected.begin() + done, expected.end()));
  }
}

TEST_F(BatchReaderOnTables, RefusesWhatIsNotThere) {
  const std::string table = write_table(TableLayout::kFolded);
  auto code = [](const std::string& path, const BatchReaderOptions& options) {
    return BatchReader::open(path, options).status().code();
  };
  EXPECT_EQ(code(path("absent"), {}), StatusCode::kNotFound);
  EXPECT_EQ(code(table, {.columns = {"nothing"}}), StatusCode::kNotFound);
  // A transform of a feature that is not read would silently do nothing.
  EXPECT_EQ(code(table, {.columns = {"items"},
                         .transforms = {{"tags", FeatureTransform::Kind::kHash, 10, 0}}}),
            StatusCode::kNotFound);
}

TEST_F(BatchReaderOnTables, DamagedFileIsAnErrorAtNext) {
  const std::string table = write_table(TableLayout::kFolded);
  for (const auto& entry : fs::recursive_directory_iterator(table)) {
    if (entry.path().extension() == ".parquet") fs::resize_file(entry.path(), 10);
  }
  auto reader = BatchReader::open(table, {});
  const Status status = reader.ok() ? (*reader)->next().status() : reader.status();
  EXPECT_EQ(status.code(), StatusCode::kDataLoss);
  EXPECT_NE(status.message().find(".parquet"), std::string::npos) << status.message();
}

TEST_F(BatchReaderOnTables, EbnerdInFullBothWays) {
  const std::string bundle = std::string(ONEFOLD_SHARED_DATA) + "/ebnerd_demo";
  if (!fs::exists(bundle)) GTEST_SKIP() << "needs the EB-NeRD demo bundle at " << bundle;
  ASSERT_TRUE(import_ebnerd(bundle, path("logs"), EbnerdSplit::kTrain).ok());
  for (TableLayout layout : {TableLayout::kFolded, TableLayout::kPlain}) {
    ASSERT_TRUE(build_table(path("logs"), path(to_string(layout)), {.layout = layout}).ok());
  }
  const BatchReaderOptions options{.batch_size = 4096, .seed = 1};
  auto folded = BatchReader::open(path("folded"), options).value();
  auto plain = BatchReader::open(path("plain"), options).value();
  double positives = 0;
  while (auto batch = folded->next().value()) {
    EXPECT_EQ(batch, plain->next().value());
    for (float label : batch->labels.values) positives += label;
  }
  EXPECT_FALSE(plain->next().value().has_value());
  EXPECT_EQ(folded->stats().samples, 278'139);
  EXPECT_EQ(positives, 24'829);  // 24,888 clicks, 59 of them on an article clicked already
  const ReaderStats::Group history = folded->stats().groups.front();
  EXPECT_GT(history.sample_values, 15 * history.unique_values);
}

}  // namespace
}  // namespace onefold
