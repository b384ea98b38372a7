// SPDX-License-Identifier: Apache-2.0
// Tables as other writers may leave them, within docs/table_format.md: they must read.
#include <algorithm>
#include <numeric>

#include "onefold/table/foreign_files.h"

namespace onefold {
namespace {

constexpr const char* kSamples = "part-00000.samples.parquet";
constexpr const char* kHistory = "part-00000.history.parquet";

std::vector<Batch> two_batches() { return {random_batch(80, 1), random_batch(120, 2)}; }

void expect_reads_as(const std::string& path, const std::vector<Batch>& expected) {
  for (const bool fold : {true, false}) {
    const std::vector<Batch> read = read_table(path, {.columns = {}, .fold = fold});
    ASSERT_EQ(read.size(), expected.size());
    for (size_t i = 0; i < read.size(); ++i) EXPECT_EQ(unfolded(read[i]), unfolded(expected[i]));
  }
}

TEST(ForeignTableTest, RefsMayBeginAnywhere) {
  const std::string path = test_path("t");
  write_table(path, two_batches());
  const int64_t shift = -987654321;
  auto shifted = [&](const std::string& column) {
    return [&, column](int, std::shared_ptr<arrow::Table> table) {
      std::vector<int64_t> refs = int64_column(*table, column);
      for (int64_t& ref : refs) ref += shift;
      return with_column(table, column, int64_array(refs));
    };
  };
  rewrite_file(path, kSamples, shifted("history.ref"));
  rewrite_file(path, kHistory, shifted("ref"));
  EXPECT_EQ(read_status(path).code(), StatusCode::kDataLoss);  // the manifest still says 0
  edit_manifest(path,
                [&](nlohmann::json& root) { root["parts"][0]["groups"][0]["first_ref"] = shift; });
  expect_reads_as(path, two_batches());
}

TEST(ForeignTableTest, PayloadRowsMayStandInAnyOrderAndBeUnused) {
  const std::string path = test_path("t");
  write_table(path, two_batches());
  // Payload rows reversed within each row group, and one more put in front that nobody uses.
  std::vector<int64_t> begin = {0}, rows;
  rewrite_file(path, kHistory, [&](int, std::shared_ptr<arrow::Table> table) {
    RowGroupTables slices = {table->Slice(0, 1)};
    for (int64_t row = table->num_rows() - 1; row >= 0; --row)
      slices.push_back(table->Slice(row, 1));
    auto reversed = arrow::ConcatenateTables(slices).ValueOrDie()->CombineChunks().ValueOrDie();
    std::vector<int64_t> refs(slices.size());
    std::iota(refs.begin(), refs.end(), begin.back());
    rows.push_back(table->num_rows());
    begin.push_back(begin.back() + static_cast<int64_t>(refs.size()));
    return with_column(reversed, "ref", int64_array(refs));
  });
  rewrite_file(path, kSamples, [&](int i, std::shared_ptr<arrow::Table> table) {
    std::vector<int64_t> refs = int64_column(*table, "history.ref");
    const int64_t old_begin = i == 0 ? 0 : rows[0];
    for (int64_t& ref : refs) ref = begin[i] + 1 + (rows[i] - 1 - (ref - old_begin));
    return with_column(table, "history.ref", int64_array(refs));
  });
  expect_reads_as(path, two_batches());
  // Renumbered in first-seen order, without the unused row.
  EXPECT_EQ(read_table(path), two_batches());
}

TEST(ForeignTableTest, NullableColumnsReadAsOurs) {
  for (const TableLayout layout : {TableLayout::kPlain, TableLayout::kFolded}) {
    const std::string path = test_path(to_string(layout));
    const Manifest manifest = write_table(path, two_batches(), {.layout = layout});
    std::vector<std::string> files = {manifest.parts[0].samples.path};
    for (const GroupFile& group : manifest.parts[0].groups) files.push_back(group.file.path);
    for (const std::string& file : files) {
      rewrite_file(path, file, [&](int, std::shared_ptr<arrow::Table> table) {
        for (const auto& field : table->schema()->fields()) {
          const auto column = table->GetColumnByName(field->name());
          auto combined = arrow::Concatenate(column->chunks()).ValueOrDie();
          if (field->type()->id() == arrow::Type::LIST) {  // nullable elements too
            const auto& list = static_cast<const arrow::ListArray&>(*combined);
            combined = std::make_shared<arrow::ListArray>(
                arrow::list(list.value_type()), list.length(), list.value_offsets(), list.values());
          }
          table = with_column(table, field->name(), combined);
        }
        return table;
      });
    }
    expect_reads_as(path, two_batches());
  }
}

TEST(ForeignTableTest, NullListsAreEmptyAndNullNumbersAreMissing) {
  const std::string path = test_path("t");
  Batch batch = random_batch(3, 1);
  write_table(path, {batch}, {.layout = TableLayout::kPlain});
  rewrite_file(path, "part-00000.parquet", [&](int, std::shared_ptr<arrow::Table> table) {
    auto lists = arrow::MakeArrayOfNull(arrow::list(arrow::int64()), 3).ValueOrDie();
    auto numbers = arrow::MakeArrayOfNull(arrow::float32(), 3).ValueOrDie();
    return with_column(with_column(table, "tags", lists), "price", numbers);
  });
  const Batch read = read_table(path).at(0);
  EXPECT_EQ(read.features.get<int64_t>("tags").offsets(), (std::vector{0, 0, 0, 0}));
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(std::isnan(read.dense.values[2 * i + 1]));
    EXPECT_EQ(std::isnan(read.dense.values[2 * i]), std::isnan(batch.dense.values[2 * i]));
  }
}

TEST(ForeignTableTest, ColumnsMayStandInAnyOrderAndOthersBeAdded) {
  const std::string path = test_path("t");
  write_table(path, two_batches());
  rewrite_file(path, kSamples, [](int, std::shared_ptr<arrow::Table> table) {
    std::vector<int> order(table->num_columns());
    std::iota(order.rbegin(), order.rend(), 0);
    auto reversed = table->SelectColumns(order).ValueOrDie();
    const std::vector<int64_t> extra(table->num_rows(), 7);
    return reversed
        ->AddColumn(3, arrow::field("extra", arrow::int64()),
                    std::make_shared<arrow::ChunkedArray>(int64_array(extra)))
        .ValueOrDie();
  });
  expect_reads_as(path, two_batches());
}

}  // namespace
}  // namespace onefold
