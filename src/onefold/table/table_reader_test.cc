// SPDX-License-Identifier: Apache-2.0
#include "onefold/table/table_reader.h"

#include <thread>

#include "onefold/table/test_tables.h"

namespace onefold {
namespace {

struct RoundTripCase {
  TableLayout layout;
  bool fold;
};

class TableRoundTripTest : public testing::TestWithParam<RoundTripCase> {};

INSTANTIATE_TEST_SUITE_P(Layouts, TableRoundTripTest,
                         testing::Values(RoundTripCase{TableLayout::kPlain, true},
                                         RoundTripCase{TableLayout::kPlain, false},
                                         RoundTripCase{TableLayout::kFolded, true},
                                         RoundTripCase{TableLayout::kFolded, false}),
                         [](const auto& info) {
                           return std::string(to_string(info.param.layout)) +
                                  (info.param.fold ? "Fold" : "NoFold");
                         });

TEST_P(TableRoundTripTest, RandomBatchesComeBackBitForBit) {
  const std::vector<Batch> written = {random_batch(1, 1),      random_batch(2, 2),
                                      random_batch(500, 3),    random_batch(63, 4),
                                      random_batch(64, 5),     random_batch(65, 6),
                                      random_batch(300, 7, 0), random_batch(3000, 8, 200)};
  const std::string path = test_path("t");
  write_table(path, written, {.layout = GetParam().layout});
  const std::vector<Batch> read = read_table(path, {.columns = {}, .fold = GetParam().fold});
  ASSERT_EQ(read.size(), written.size());
  for (size_t i = 0; i < read.size(); ++i) {
    check_batch(read[i], test_schema());
    EXPECT_EQ(unfolded(read[i]), unfolded(written[i])) << "row group " << i;
    if (!GetParam().fold) {
      EXPECT_EQ(read[i], unfolded(written[i])) << "row group " << i;
    }
  }
}

TEST_P(TableRoundTripTest, FoldedReadsHaveNoMoreUniqueRowsThanWritten) {
  const Batch written = random_batch(400, 1);
  const std::string path = test_path("t");
  write_table(path, {written}, {.layout = GetParam().layout});
  const Batch read = read_table(path, {.columns = {}, .fold = GetParam().fold}).at(0);
  if (!GetParam().fold) {
    EXPECT_EQ(read, unfolded(written));
  } else if (GetParam().layout == TableLayout::kFolded) {
    EXPECT_EQ(read, written);  // unique rows and their numbering as stored
  } else {
    EXPECT_EQ(read, refolded(written));  // the smallest U
  }
}

TEST(TableReaderTest, EmptyTableHasNoRowGroups) {
  const std::string path = test_path("t");
  const Manifest manifest = write_table(path, {random_batch(0, 1)});
  EXPECT_EQ(manifest.num_samples, 0);
  EXPECT_TRUE(manifest.parts.empty());
  EXPECT_TRUE(read_table(path).empty());
}

TEST(TableReaderTest, ProjectionReadsOnlyTheColumnsNamed) {
  for (const TableLayout layout : {TableLayout::kPlain, TableLayout::kFolded}) {
    const Batch written = random_batch(200, 1);
    const std::string path = test_path(to_string(layout));
    write_table(path, {written}, {.layout = layout});
    auto reader = TableReader::open(path, {.columns = {"dwell", "click", "tags"}}).value();
    const Batch read = reader->read(reader->row_groups().at(0)).value();
    check_batch(read, reader->schema());
    EXPECT_EQ(read.item_id, written.item_id);
    EXPECT_EQ(read.time_us, written.time_us);
    EXPECT_EQ(read.labels.names, std::vector<std::string>{"click"});
    EXPECT_TRUE(read.dense.names.empty());
    EXPECT_EQ(read.features.keys(), std::vector<std::string>{"tags"});
    EXPECT_EQ(read.features.get<int64_t>("tags"), written.features.get<int64_t>("tags"));
    ASSERT_EQ(read.groups.size(), 1u);
    EXPECT_EQ(expand(read.groups[0].features).get<float>("dwell"),
              expand(written.groups[0].features).get<float>("dwell"));

    auto all = TableReader::open(path).value();
    ASSERT_TRUE(all->read(all->row_groups().at(0)).ok());
    EXPECT_GT(reader->bytes_read(), 0);
    EXPECT_LT(reader->bytes_read(), all->bytes_read());
  }
}

TEST(TableReaderTest, UnknownColumnIsNotFound) {
  const std::string path = test_path("t");
  write_table(path, {random_batch(10, 1)});
  const auto reader = TableReader::open(path, {.columns = {"click", "clicks"}});
  ASSERT_FALSE(reader.ok());
  EXPECT_EQ(reader.status().code(), StatusCode::kNotFound);
  EXPECT_NE(reader.status().message().find("'clicks'"), std::string::npos);
}

TEST(TableReaderTest, ManyThreadsReadTheSameReader) {
  std::vector<Batch> written;
  for (uint64_t i = 0; i < 8; ++i) written.push_back(random_batch(200, i));
  const std::string path = test_path("t");
  write_table(path, written, {.part_rows = 500});
  auto reader = TableReader::open(path).value();
  std::vector<int> equal(8, 0);
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 8; ++i) {
        const int g = (i + t) % 8;
        const auto batch = reader->read(reader->row_groups().at(g));
        equal[t] += batch.ok() && *batch == written[g];
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(equal, std::vector<int>(8, 8));
}

}  // namespace
}  // namespace onefold
