// SPDX-License-Identifier: Apache-2.0
#include "onefold/dataset/fold_rows.h"

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/chunked_array.h>
#include <arrow/json/from_string.h>
#include <arrow/type.h>
#include <gtest/gtest.h>

#include "onefold/dataset/row_bytes.h"

namespace onefold {
namespace {

using Refs = std::vector<int32_t>;

// JSON chunks of a column.
std::shared_ptr<arrow::ChunkedArray> column(const std::shared_ptr<arrow::DataType>& type,
                                            const std::vector<std::string>& chunks) {
  return arrow::json::ChunkedArrayFromJSONString(type, chunks).ValueOrDie();
}

Refs refs_of(const std::shared_ptr<arrow::DataType>& type, const std::vector<std::string>& chunks) {
  const auto values = column(type, chunks);
  return fold_rows({values}, values->length()).refs;
}

TEST(FoldRowsTest, RowsThatComeBack) {
  const auto lists = column(arrow::list(arrow::int32()), {"[[1,2],[1,2],[3],[1,2]]"});
  const FoldedRows folded = fold_rows({lists}, 4);
  EXPECT_EQ(folded.rows, (std::vector<int64_t>{0, 2}));
  EXPECT_EQ(folded.refs, (Refs{0, 0, 1, 0}));
  EXPECT_GT(folded.bytes, folded.unique_bytes);
}

TEST(FoldRowsTest, SeveralColumnsAreOneRow) {
  const auto a = column(arrow::int32(), {"[1,1,2]", "[1]"});
  const auto b = column(arrow::utf8(), {"[\"x\"]", "[\"y\",\"x\",\"x\"]"});
  EXPECT_EQ(fold_rows({a, b}, 4).refs, (Refs{0, 1, 2, 0}));
}

TEST(FoldRowsTest, NothingIsTakenForAnythingElse) {
  EXPECT_EQ(refs_of(arrow::list(arrow::int32()), {"[null,[],[null],[0],[0,0],[null,0],[0,null]]"}),
            (Refs{0, 1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(refs_of(arrow::utf8(), {R"([null,"","a","aa"])"}), (Refs{0, 1, 2, 3}));
  EXPECT_EQ(refs_of(arrow::list(arrow::list(arrow::utf8())),
                    {R"([[["ab"]],[["a","b"]],[["a"],["b"]],[["a"],["b"],[]],[]])"}),
            (Refs{0, 1, 2, 3, 4}));
  const auto pair =
      arrow::struct_({arrow::field("a", arrow::utf8()), arrow::field("b", arrow::utf8())});
  EXPECT_EQ(refs_of(pair, {R"([null,{"a":null,"b":null},{"a":"x","b":""},{"a":"","b":"x"}])"}),
            (Refs{0, 1, 2, 3}));
  EXPECT_EQ(refs_of(arrow::boolean(), {"[true,false,null,true]"}), (Refs{0, 1, 2, 0}));
}

// The same value in a chunk with nulls and in one without.
TEST(FoldRowsTest, ChunksDoNotMatter) {
  EXPECT_EQ(
      refs_of(arrow::list(arrow::int64()), {"[[1,2],[null,3]]", "[]", "[[1,2]]", "[[null,3]]"}),
      (Refs{0, 1, 0, 1}));
  EXPECT_EQ(refs_of(arrow::map(arrow::utf8(), arrow::int8()),
                    {R"([[["k",1]],[["k",null]]])", R"([[["k",1]]])"}),
            (Refs{0, 1, 0}));
}

TEST(FoldRowsTest, BitsOfFloatsCount) {
  arrow::DoubleBuilder builder;
  ASSERT_TRUE(builder.AppendValues({0.0, -0.0, 0.0}).ok());
  const auto values = std::make_shared<arrow::ChunkedArray>(builder.Finish().ValueOrDie());
  EXPECT_EQ(fold_rows({values}, 3).refs, (Refs{0, 1, 0}));
}

TEST(FoldRowsTest, SlicedArrays) {
  const auto type = arrow::fixed_size_list(arrow::int16(), 2);
  const auto all = column(type, {"[[9,9],[1,2],[3,4],[1,2]]"});
  EXPECT_EQ(fold_rows({all->Slice(1)}, 3).refs, (Refs{0, 1, 0}));
  const auto pair = arrow::struct_({arrow::field("a", arrow::list(arrow::int8()))});
  const auto structs = column(pair, {R"([{"a":[9]},{"a":[1]},{"a":[]},{"a":[1]}])"});
  EXPECT_EQ(fold_rows({structs->Slice(1)}, 3).refs, (Refs{0, 1, 0}));
}

TEST(FoldRowsTest, DictionariesDifferBetweenChunks) {
  const auto type = arrow::dictionary(arrow::int8(), arrow::utf8());
  const auto chunk = [&](const std::string& codes, const std::string& values) {
    return arrow::json::DictArrayFromJSONString(type, codes, values).ValueOrDie();
  };
  const auto values = std::make_shared<arrow::ChunkedArray>(arrow::ArrayVector{
      chunk("[0,1,null]", R"(["red","blue"])"), chunk("[0,1]", R"(["blue","red"])")});
  EXPECT_EQ(fold_rows({values}, 5).refs, (Refs{0, 1, 2, 1, 0}));
}

TEST(FoldRowsTest, NoRows) {
  EXPECT_TRUE(fold_rows({column(arrow::int32(), {"[]"})}, 0).refs.empty());
}

TEST(RowBytesTest, TypesThatParquetDoesNotHold) {
  EXPECT_FALSE(has_row_bytes(*arrow::list(arrow::list_view(arrow::int8()))));
  EXPECT_FALSE(has_row_bytes(*arrow::run_end_encoded(arrow::int32(), arrow::int8())));
  EXPECT_TRUE(has_row_bytes(*arrow::decimal256(50, 3)));
}

}  // namespace
}  // namespace onefold
