// SPDX-License-Identifier: Apache-2.0
// Tables with a windowed group: the same samples as an exact table, from fewer values.
#include <nlohmann/json.hpp>

#include "onefold/base/files.h"
#include "onefold/jagged/windowed_groups.h"
#include "onefold/table/foreign_files.h"
#include "onefold/table/verify_table.h"

namespace onefold {
namespace {

Schema windowed_schema() {
  Schema schema = test_schema();
  schema.windowed_groups = {"history"};
  return schema;
}

// Histories that slide: user u's list at its n-th sample is values [n, n + 12) of its events. Every
// 29th sample has lists of unequal length.
Batch sliding_batch(int64_t num_samples, uint64_t seed) {
  std::map<int64_t, int64_t> seen;
  return with_history(random_batch(num_samples, seed), [&](int64_t user, int64_t i) {
    const int64_t begin = seen[user]++ / 2;  // some samples share their list
    std::vector<int64_t> ids;
    std::vector<float> times;
    for (int64_t e = begin; e < begin + 12; ++e) {
      ids.push_back(user * 1000 + e * e % 31);
      times.push_back(static_cast<float>(e));
    }
    if (i % 29 == 0) times.pop_back();
    return std::pair(ids, times);
  });
}

Manifest write_windowed(const std::string& path, const std::vector<Batch>& batches,
                        TableLayout layout = TableLayout::kFolded) {
  auto writer = TableWriter::open(path, windowed_schema(), {.layout = layout}).value();
  for (const Batch& batch : batches) {
    const Status status = writer->write("", batch);
    if (!status.ok()) throw std::runtime_error(status.message());
  }
  return writer->finish().value();
}

TEST(WindowedTable, GivesBackTheBatchesThatWereWritten) {
  const std::string path = test_path("t");
  const std::vector<Batch> batches = {sliding_batch(100, 1), sliding_batch(70, 2)};
  const Manifest manifest = write_windowed(path, batches);
  EXPECT_EQ(read_table(path), batches);
  EXPECT_EQ(manifest.group_stats[0].unique, manifest.parts[0].groups[0].file.num_rows);
  EXPECT_LT(manifest.group_stats[0].unique, manifest.group_stats[0].windows);
  EXPECT_LT(2 * manifest.group_stats[0].unique_values, manifest.group_stats[0].sample_values);
}

TEST(WindowedTable, HandsWindowsOn) {
  const std::string path = test_path("t");
  const Batch batch = sliding_batch(100, 1);
  write_windowed(path, {batch});
  const Batch read = read_table(path, {.windows = true}).at(0);
  EXPECT_TRUE(read.groups[0].features.is_windowed());
  EXPECT_FALSE(read.groups[1].features.is_windowed());
  EXPECT_EQ(read, with_windows(batch, windowed_schema()));
  EXPECT_EQ(unfolded(read), unfolded(batch));
  // Without folding there are no windows either.
  EXPECT_EQ(read_table(path, {.fold = false, .windows = true}).at(0), unfolded(batch));
  // One key of the group alone.
  const Batch ids = read_table(path, {.columns = {"viewed"}, .windows = true}).at(0);
  EXPECT_EQ(expand(ids.groups[0].features).get<int64_t>("viewed"),
            expand(batch.groups[0].features).get<int64_t>("viewed"));
}

// Where lists differ in length the window is as long as the longest; each list has its own without
// the others.
TEST(WindowedTable, TheShorterListCanBeReadAlone) {
  const std::string path = test_path("t");
  const Batch batch = sliding_batch(100, 1);
  write_windowed(path, {batch});
  for (const bool windows : {false, true}) {
    const auto reader = TableReader::open(path, {.columns = {"dwell"}, .windows = windows}).value();
    const auto read = reader->read(reader->row_groups().at(0));
    ASSERT_TRUE(read.ok()) << read.status().message();
    EXPECT_EQ(expand(read->groups[0].features).get<float>("dwell"),
              expand(batch.groups[0].features).get<float>("dwell"));
  }
}

TEST(WindowedTable, PlainLayoutHasTheRows) {
  const std::string path = test_path("t");
  const Batch batch = sliding_batch(100, 1);
  write_windowed(path, {batch}, TableLayout::kPlain);
  EXPECT_EQ(read_table(path).at(0), refolded(batch));
}

TEST(WindowedTable, SaysFormatVersionTwoAndOthersOne) {
  const auto version = [](const std::string& path) {
    return nlohmann::json::parse(read_file(path + "/_onefold.json").value())["format_version"];
  };
  const std::string windowed = test_path("w"), exact = test_path("e");
  write_windowed(windowed, {sliding_batch(20, 1)});
  write_table(exact, {random_batch(20, 1)});
  EXPECT_EQ(version(windowed), 2);
  EXPECT_EQ(version(exact), 1);
}

TEST(WindowedTable, AWindowThatLeavesItsRowIsDamage) {
  for (const auto& [column, value] :
       std::vector<std::pair<std::string, int64_t>>{{"history.start", -1},
                                                    {"history.start", 1000},
                                                    {"history.len", -1},
                                                    {"history.len", int64_t{1} << 40},
                                                    {"history.ref", 1000}}) {
    const std::string path = test_path("t");
    write_windowed(path, {sliding_batch(30, 1)});
    rewrite_file(path, "part-00000.samples.parquet",
                 [&, &column = column, &value = value](int, std::shared_ptr<arrow::Table> table) {
                   std::vector<int64_t> values = int64_column(*table, column);
                   values[7] = value;
                   return with_column(table, column, int64_array(values));
                 });
    const Status status = read_status(path);
    EXPECT_EQ(status.code(), StatusCode::kDataLoss) << column << " " << status.message();
    EXPECT_NE(status.message().find("samples.parquet"), std::string::npos) << status.message();
    EXPECT_FALSE(verify_table(path).value().problems.empty()) << column;
  }
}

TEST(WindowedTable, VerifyAccepts) {
  const std::string path = test_path("t");
  write_windowed(path, {sliding_batch(100, 1), sliding_batch(70, 2)});
  const TableVerification found = verify_table(path).value();
  for (const TableProblem& problem : found.problems) ADD_FAILURE() << problem.file << problem.what;
  EXPECT_EQ(found.unused_rows, 0);
}

TEST(WindowedTable, ASingleIdIsNoWindow) {
  Schema schema = test_schema();
  schema.windowed_groups = {"profile"};
  const auto writer = TableWriter::open(test_path("t"), schema);
  ASSERT_FALSE(writer.ok());
  EXPECT_NE(writer.status().message().find("'country' is a single id"), std::string::npos);
}

}  // namespace
}  // namespace onefold
