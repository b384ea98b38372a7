// SPDX-License-Identifier: Apache-2.0
// Lists as any writer may store them: every encoding, page version and page size.
#include "onefold/table/list_reader.h"

#include <random>

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/io/memory.h>
#include <arrow/type.h>
#include <gtest/gtest.h>
#include <parquet/arrow/writer.h>
#include <parquet/exception.h>

#include "onefold/table/column_arrays.h"
#include "onefold/table/test_tables.h"

namespace onefold {
namespace {

std::unique_ptr<parquet::ParquetFileReader> in_memory(
    const std::shared_ptr<arrow::Field>& field, const std::shared_ptr<arrow::Array>& array,
    std::shared_ptr<parquet::WriterProperties> properties) {
  auto sink = arrow::io::BufferOutputStream::Create().ValueOrDie();
  auto writer = parquet::arrow::FileWriter::Open(*arrow::schema({field}),
                                                 arrow::default_memory_pool(), sink, properties)
                    .ValueOrDie();
  EXPECT_TRUE(writer->NewRowGroup().ok());
  EXPECT_TRUE(writer->WriteColumnChunk(*array).ok());
  EXPECT_TRUE(writer->Close().ok());
  return parquet::ParquetFileReader::Open(
      std::make_shared<arrow::io::BufferReader>(sink->Finish().ValueOrDie()));
}

struct StorageCase {
  parquet::Encoding::type encoding;
  parquet::ParquetDataPageVersion pages;
  int64_t page_bytes;
};

class ListReaderTest : public testing::TestWithParam<StorageCase> {
 protected:
  std::shared_ptr<parquet::WriterProperties> properties() const {
    parquet::WriterProperties::Builder builder;
    if (GetParam().encoding != parquet::Encoding::RLE_DICTIONARY) {
      builder.disable_dictionary()->encoding(GetParam().encoding);
    }
    builder.data_page_version(GetParam().pages)->data_pagesize(GetParam().page_bytes);
    builder.write_batch_size(64)->compression(parquet::Compression::ZSTD);
    return builder.build();
  }

  template <typename T>
  void expect_round_trip(const JaggedTensor<T>& rows, ColumnType type) const {
    const FeatureKind kind =
        type == ColumnType::kIdList ? FeatureKind::kIdList : FeatureKind::kFloatList;
    const auto file =
        in_memory(to_arrow_field({"x", type}), to_arrow(JaggedColumn(rows), kind), properties());
    auto row_group = file->RowGroup(0);
    EXPECT_EQ(read_lists<T>(*row_group, 0, rows.num_rows()), rows);
    EXPECT_EQ(read_nullable_lists<T>(*row_group, 0, rows.num_rows()), rows);
    EXPECT_THROW(read_lists<T>(*row_group, 0, rows.num_rows() + 1), parquet::ParquetException);
  }
};

INSTANTIATE_TEST_SUITE_P(
    Storage, ListReaderTest,
    testing::Values(
        StorageCase{parquet::Encoding::PLAIN, parquet::ParquetDataPageVersion::V1, 1 << 20},
        StorageCase{parquet::Encoding::PLAIN, parquet::ParquetDataPageVersion::V1, 200},
        StorageCase{parquet::Encoding::PLAIN, parquet::ParquetDataPageVersion::V2, 200},
        StorageCase{parquet::Encoding::RLE_DICTIONARY, parquet::ParquetDataPageVersion::V1, 200},
        StorageCase{parquet::Encoding::RLE_DICTIONARY, parquet::ParquetDataPageVersion::V2,
                    1 << 20},
        StorageCase{parquet::Encoding::BYTE_STREAM_SPLIT, parquet::ParquetDataPageVersion::V1,
                    200}));

TEST_P(ListReaderTest, RandomListsOfIds) {
  std::mt19937_64 random(1);
  for (const int64_t num_rows : {1, 2, 64, 999}) {
    expect_round_trip(random_lists<int64_t>(num_rows, 30, random), ColumnType::kIdList);
    expect_round_trip(random_lists<int64_t>(num_rows, 0, random), ColumnType::kIdList);
  }
}

TEST_P(ListReaderTest, RandomListsOfFloats) {
  std::mt19937_64 random(2);
  for (const int64_t num_rows : {1, 2, 64, 999}) {
    expect_round_trip(random_lists<float>(num_rows, 30, random), ColumnType::kFloatList);
  }
}

TEST_P(ListReaderTest, OneRowOverManyPages) {
  std::mt19937_64 random(3);
  JaggedTensor<int64_t> rows;
  std::vector<int64_t> row(5000);
  for (int64_t& value : row) value = static_cast<int64_t>(random());
  rows.push_row({});
  rows.push_row(row);
  rows.push_row({});
  expect_round_trip(rows, ColumnType::kIdList);
}

TEST(ListReaderNullTest, DeltaPages) {
  std::mt19937_64 random(4);
  const auto rows = random_lists<int64_t>(500, 30, random);
  parquet::WriterProperties::Builder builder;
  builder.disable_dictionary()->encoding(parquet::Encoding::DELTA_BINARY_PACKED);
  const auto file = in_memory(to_arrow_field({"x", ColumnType::kIdList}),
                              to_arrow(JaggedColumn(rows), FeatureKind::kIdList), builder.build());
  EXPECT_EQ(read_lists<int64_t>(*file->RowGroup(0), 0, 500), rows);
}

TEST(ListReaderNullTest, NullListsReadAsEmpty) {
  auto values = std::make_shared<arrow::Int64Builder>();
  arrow::ListBuilder lists(arrow::default_memory_pool(), values);
  // [7, 8], null, [], [9]
  ASSERT_TRUE(lists.Append().ok() && values->AppendValues({7, 8}).ok());
  ASSERT_TRUE(lists.AppendNull().ok() && lists.Append().ok() && lists.Append().ok());
  ASSERT_TRUE(values->Append(9).ok());
  const auto array = lists.Finish().ValueOrDie();
  const auto file =
      in_memory(arrow::field("x", array->type()), array, parquet::default_writer_properties());
  const auto rows = read_lists<int64_t>(*file->RowGroup(0), 0, 4);
  EXPECT_EQ(rows.offsets(), (std::vector{0, 2, 2, 2, 3}));
  EXPECT_EQ(rows.values(), (std::vector<int64_t>{7, 8, 9}));
}

TEST(ListReaderNullTest, NullInsideAListIsRefused) {
  auto values = std::make_shared<arrow::FloatBuilder>();
  arrow::ListBuilder lists(arrow::default_memory_pool(), values);
  ASSERT_TRUE(lists.Append().ok() && values->Append(1).ok() && values->AppendNull().ok());
  const auto array = lists.Finish().ValueOrDie();
  const auto file =
      in_memory(arrow::field("x", array->type()), array, parquet::default_writer_properties());
  EXPECT_THROW(read_lists<float>(*file->RowGroup(0), 0, 1), parquet::ParquetException);
}

}  // namespace
}  // namespace onefold
