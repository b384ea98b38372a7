// SPDX-License-Identifier: Apache-2.0
// Batches with windowed groups: the same samples as without windows, from fewer values.
#include <gtest/gtest.h>

#include "onefold/jagged/fold_counts.h"
#include "onefold/jagged/windowed_groups.h"
#include "onefold/reader/batch_reader.h"
#include "onefold/reader/fake_table.h"
#include "onefold/table/table_writer.h"

namespace onefold {
namespace {

Schema windowed_schema() {
  Schema schema = fake_schema();
  schema.windowed_groups = {"history"};
  return schema;
}

// The fake samples with histories that grow by one item a sample.
Batch growing_samples() {
  Batch batch = fake_samples(90);
  KeyedJaggedTensor history(batch.num_samples());
  JaggedTensor<int64_t> items;
  JaggedTensor<float> read_times;
  for (int64_t i = 0; i < batch.num_samples(); ++i) {
    std::vector<int64_t> ids;
    std::vector<float> times;
    for (int64_t e = 0; e < i % 50; ++e) {
      ids.push_back(batch.user_id[i] * 100 + e % 7);
      times.push_back(static_cast<float>(e));
    }
    items.push_row(ids);
    read_times.push_row(times);
  }
  history.add("items", std::move(items));
  history.add("read_times", std::move(read_times));
  batch.groups[0].features = fold(history);
  return refolded(batch);
}

std::string write_table(const std::string& name, const Schema& schema) {
  const std::string path = testing::TempDir() + "onefold_windowed_reader_" + name;
  auto writer = TableWriter::open(path, schema).value();
  const Batch samples = growing_samples();
  for (int64_t begin = 0; begin < samples.num_samples(); begin += 120) {
    const Batch rows = sample_range(samples, begin, std::min(begin + 120, samples.num_samples()));
    EXPECT_TRUE(writer->write("", rows).ok());
  }
  EXPECT_TRUE(writer->finish().ok());
  return path;
}

std::vector<Batch> read_epoch(const std::string& table, const BatchReaderOptions& options) {
  auto reader = BatchReader::open(table, options).value();
  std::vector<Batch> batches;
  while (auto batch = reader->next().value()) batches.push_back(std::move(*batch));
  return batches;
}

class WindowedReader : public testing::Test {
 protected:
  const std::string windowed_ = write_table("windowed", windowed_schema());
  const std::string exact_ = write_table("exact", fake_schema());
  BatchReaderOptions options_{.batch_size = 64, .seed = 3, .shuffle_row_groups = 2};

  // Batches of both tables have the same samples, and are windowed or not.
  void expect_same_samples(bool is_windowed) {
    options_.windows = true;
    const std::vector<Batch> windows = read_epoch(windowed_, options_);
    const std::vector<Batch> exact = read_epoch(exact_, options_);
    ASSERT_EQ(windows.size(), exact.size());
    int64_t window_values = 0, exact_values = 0;
    for (size_t i = 0; i < exact.size(); ++i) {
      EXPECT_EQ(windows[i].groups[0].features.is_windowed(), is_windowed);
      EXPECT_EQ(refolded(windows[i]), exact[i]) << "batch " << i;
      window_values += count_fold(windows[i].groups[0].features).stored_values;
      exact_values += count_fold(exact[i].groups[0].features).stored_values;
    }
    if (is_windowed) {
      EXPECT_LT(2 * window_values, exact_values);
    }
  }
};

TEST_F(WindowedReader, HandsWindowsOn) { expect_same_samples(true); }

TEST_F(WindowedReader, CutsThemUnlessAsked) {
  EXPECT_EQ(read_epoch(windowed_, options_), read_epoch(exact_, options_));
}

TEST_F(WindowedReader, WithoutFoldHasARowPerSample) {
  options_.fold = false;
  options_.windows = true;
  EXPECT_EQ(read_epoch(windowed_, options_), read_epoch(exact_, options_));
}

TEST_F(WindowedReader, TruncatingAllFeaturesShortensWindows) {
  options_.transforms = {{"items", FeatureTransform::Kind::kTruncate, 20, 0},
                         {"items", FeatureTransform::Kind::kHash, 1000, 5},
                         {"read_times", FeatureTransform::Kind::kTruncate, 20, 0}};
  expect_same_samples(true);
}

TEST_F(WindowedReader, TruncatingOneFeatureCutsRows) {
  options_.transforms = {{"items", FeatureTransform::Kind::kTruncate, 20, 0}};
  expect_same_samples(false);
}

}  // namespace
}  // namespace onefold
