// SPDX-License-Identifier: Apache-2.0
#include "onefold/inspect/value_words.h"

#include <set>

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/json/from_string.h>
#include <arrow/type.h>
#include <gtest/gtest.h>

#include "onefold/inspect/key_columns.h"
#include "onefold/inspect/sample_source.h"

namespace onefold {
namespace {

using ArrayPtr = std::shared_ptr<arrow::Array>;
using TypePtr = std::shared_ptr<arrow::DataType>;

ArrayPtr parse(const TypePtr& type, const std::string& json) {
  return arrow::json::ArrayFromJSONString(type, json).ValueOrDie();
}

std::vector<int64_t> words(const TypePtr& type, const std::string& json) {
  return value_words(*parse(type, json)).value();
}

struct TypeCase {
  TypePtr type;
  std::string json;  // a, b, null, a: the first and the last are equal, the others are not
};

class ValueWords : public testing::TestWithParam<TypeCase> {};

TEST_P(ValueWords, AreEqualForEqualValues) {
  const ArrayPtr array = parse(GetParam().type, GetParam().json);
  const auto all = value_words(*array).value();
  ASSERT_EQ(all.size(), 4u);
  EXPECT_EQ(all[0], all[3]);
  EXPECT_EQ(all[2], kNullWord);
  EXPECT_EQ(std::set<int64_t>(all.begin(), all.end()).size(), 3u);
  // A slice has an offset into the same buffers.
  EXPECT_EQ(value_words(*array->Slice(1, 3)).value(),
            (std::vector<int64_t>{all[1], all[2], all[3]}));
}

INSTANTIATE_TEST_SUITE_P(
    Types, ValueWords,
    testing::Values(
        TypeCase{arrow::boolean(), "[true, false, null, true]"},
        TypeCase{arrow::int8(), "[-1, 1, null, -1]"},
        TypeCase{arrow::uint32(), "[4000000000, 1, null, 4000000000]"},
        TypeCase{arrow::int64(), "[-5, 5, null, -5]"},
        TypeCase{arrow::float32(), "[0.5, -0.5, null, 0.5]"},
        TypeCase{arrow::float64(), "[0.5, 1e300, null, 0.5]"},
        TypeCase{arrow::timestamp(arrow::TimeUnit::MICRO), "[1, 2, null, 1]"},
        TypeCase{arrow::decimal128(20, 2), R"(["1.00", "2.00", null, "1.00"])"},
        TypeCase{arrow::utf8(), R"(["a", "", null, "a"])"},
        TypeCase{arrow::large_utf8(), R"(["a", "ab", null, "a"])"},
        TypeCase{arrow::utf8_view(), R"(["a long string, out of line", "b", null,
                                         "a long string, out of line"])"},
        TypeCase{arrow::fixed_size_binary(3), R"(["abc", "abd", null, "abc"])"},
        TypeCase{arrow::dictionary(arrow::int8(), arrow::utf8()), R"(["a", "b", null, "a"])"},
        TypeCase{arrow::list(arrow::int32()), "[[1, 2], [2, 1], null, [1, 2]]"},
        TypeCase{arrow::fixed_size_list(arrow::int32(), 2), "[[1, 2], [2, 1], null, [1, 2]]"},
        TypeCase{arrow::map(arrow::utf8(), arrow::int32()),
                 R"([[["k", 1]], [["k", 2]], null, [["k", 1]]])"},
        TypeCase{
            arrow::struct_({arrow::field("x", arrow::int32()), arrow::field("y", arrow::utf8())}),
            R"([{"x": 1, "y": "a"}, {"x": 1, "y": "b"}, null, {"x": 1, "y": "a"}])"}));

TEST(ValueWordsOf, IntegersAreThemselves) {
  EXPECT_EQ(words(arrow::int64(), "[-5, 7]"), (std::vector<int64_t>{-5, 7}));
}

TEST(ValueWordsOf, UnsupportedTypesAreNamed) {
  const auto array = parse(arrow::list_view(arrow::int32()), "[[1]]");
  const auto result = value_words(*array);
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.status().code(), StatusCode::kUnsupported);
  EXPECT_NE(result.status().message().find("list_view"), std::string::npos);
}

TEST(RowWords, ListsOfEveryFlavour) {
  for (const TypePtr& type : {arrow::list(arrow::int64()), arrow::large_list(arrow::int64())}) {
    const auto array = parse(type, "[[9], [1, 2], null, [], [3]]");
    const auto rows = row_words(*array).value();
    EXPECT_EQ(rows.values(), (std::vector<int64_t>{9, 1, 2, 3}));
    EXPECT_EQ(rows.offsets(), (std::vector<int32_t>{0, 1, 3, 3, 3, 4}));
    const auto slice = row_words(*array->Slice(1, 2)).value();
    EXPECT_EQ(slice.values(), (std::vector<int64_t>{1, 2}));
    EXPECT_EQ(slice.offsets(), (std::vector<int32_t>{0, 2, 2}));
  }
}

TEST(RowWords, ScalarsAreRowsOfOneAndNullsAreEmpty) {
  const auto rows = row_words(*parse(arrow::int16(), "[4, null, 5]")).value();
  EXPECT_EQ(rows.values(), (std::vector<int64_t>{4, 5}));
  EXPECT_EQ(rows.offsets(), (std::vector<int32_t>{0, 1, 1, 2}));
}

TEST(RowWords, ListOfStringsKeepsItsNulls) {
  const auto rows =
      row_words(*parse(arrow::list(arrow::utf8()), R"([["a", null], ["a"]])")).value();
  EXPECT_EQ(rows.length(0), 2);
  EXPECT_EQ(rows.row(0)[0], rows.row(1)[0]);
  EXPECT_EQ(rows.row(0)[1], kNullWord);
}

TEST(KeyColumns, IdsOfAnyScalarType) {
  const auto ids = id_column(*parse(arrow::utf8(), R"(["a", "b", "a"])"), false).value();
  EXPECT_EQ(ids[0], ids[2]);
  EXPECT_NE(ids[0], ids[1]);
  EXPECT_EQ(id_column(*parse(arrow::int32(), "[1, null]"), false).status().code(),
            StatusCode::kSchema);
  EXPECT_TRUE(id_column(*parse(arrow::int32(), "[1, null]"), true).ok());
  EXPECT_EQ(id_column(*parse(arrow::list(arrow::int32()), "[[1]]"), false).status().code(),
            StatusCode::kSchema);
}

TEST(KeyColumns, TimesKeepTheirOrder) {
  EXPECT_EQ(time_column(*parse(arrow::timestamp(arrow::TimeUnit::SECOND), "[7, 5]")).value(),
            (std::vector<int64_t>{7, 5}));
  const auto times =
      time_column(*parse(arrow::float64(), "[-1e300, -1.5, -0.0, 1e-300, 1.5, 2]")).value();
  for (size_t i = 1; i < times.size(); ++i) EXPECT_LT(times[i - 1], times[i]);
  EXPECT_EQ(time_column(*parse(arrow::utf8(), R"(["2023-05-18"])")).status().code(),
            StatusCode::kSchema);
  EXPECT_EQ(time_column(*parse(arrow::int64(), "[1, null]")).status().code(), StatusCode::kSchema);
}

TEST(KeyColumns, PositivesAreAboveZero) {
  EXPECT_EQ(count_positives(*parse(arrow::boolean(), "[true, false, null]")).value(), 1);
  EXPECT_EQ(count_positives(*parse(arrow::float32(), "[0.5, 0, -1, null]")).value(), 1);
  EXPECT_EQ(count_positives(*parse(arrow::uint8(), "[0, 1, 255]")).value(), 2);
  EXPECT_EQ(count_positives(*parse(arrow::utf8(), R"(["yes"])")).status().code(),
            StatusCode::kSchema);
}

}  // namespace
}  // namespace onefold
