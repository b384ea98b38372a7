// SPDX-License-Identifier: Apache-2.0
#include "onefold/table/leaf_encoding.h"

#include <random>

#include <arrow/builder.h>
#include <arrow/table.h>
#include <gtest/gtest.h>

#include "onefold/base/files.h"
#include "onefold/table/arrow_file.h"
#include "onefold/table/test_tables.h"

namespace onefold {
namespace {

// A counter, words of a few, a list of random numbers, flags.
std::shared_ptr<arrow::Table> rows() {
  std::mt19937_64 random(1);
  arrow::Int64Builder counter;
  arrow::StringBuilder word;
  arrow::BooleanBuilder flag;
  auto element = std::make_shared<arrow::DoubleBuilder>();
  arrow::ListBuilder list(arrow::default_memory_pool(), element);
  for (int64_t row = 0; row < 3000; ++row) {
    EXPECT_TRUE(counter.Append(row * 3).ok());
    EXPECT_TRUE(word.Append("a rather long word " + std::to_string(random() % 20)).ok());
    EXPECT_TRUE(flag.Append(random() % 2 == 0).ok());
    EXPECT_TRUE(list.Append().ok());
    EXPECT_TRUE(element->Append(static_cast<double>(random() % (1u << 30))).ok());
  }
  const arrow::ArrayVector arrays = {counter.Finish().ValueOrDie(), word.Finish().ValueOrDie(),
                                     list.Finish().ValueOrDie(), flag.Finish().ValueOrDie()};
  return arrow::Table::Make(
      arrow::schema(
          {arrow::field("counter", arrays[0]->type()), arrow::field("word", arrays[1]->type()),
           arrow::field("a.b", arrays[2]->type()), arrow::field("flag", arrow::boolean())}),
      arrays);
}

std::string in_new_directory() {
  const std::string directory = test_path("files");
  EXPECT_TRUE(make_directories(directory).ok());
  return directory + "/x.parquet";
}

TEST(LeafEncodingTest, EachColumnItsOwn) {
  const LeafEncodings encodings = measure_encodings(*rows(), {}).value();
  EXPECT_EQ(encodings, (LeafEncodings{ColumnEncoding::kDelta, ColumnEncoding::kDictionary,
                                      ColumnEncoding::kByteStreamSplit, ColumnEncoding::kPlain}));
}

TEST(LeafEncodingTest, FilesReadTheSame) {
  const std::string path = in_new_directory();
  const ArrowFileOptions options{.encodings = measure_encodings(*rows(), {}).value()};
  auto writer = ArrowFileWriter::create(path, *rows()->schema(), options).value();
  ASSERT_TRUE(writer->write_row_group(*rows()).ok());
  ASSERT_TRUE(writer->close().ok());
  EXPECT_TRUE(ArrowFile::open(path).value()->read(0).value()->Equals(*rows()));
}

TEST(LeafEncodingTest, OtherColumnsAreRefused) {
  const ArrowFileOptions options{.encodings = {ColumnEncoding::kPlain}};
  const std::string path = in_new_directory();
  const auto writer = ArrowFileWriter::create(path, *rows()->schema(), options);
  EXPECT_NE(writer.status().message().find("other columns"), std::string::npos)
      << writer.status().message();
}

}  // namespace
}  // namespace onefold
