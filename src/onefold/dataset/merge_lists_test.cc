// SPDX-License-Identifier: Apache-2.0
#include "onefold/dataset/merge_lists.h"

#include <random>

#include <arrow/array.h>
#include <arrow/array/concatenate.h>
#include <arrow/builder.h>
#include <arrow/chunked_array.h>
#include <arrow/json/from_string.h>
#include <arrow/type.h>
#include <gtest/gtest.h>

#include "onefold/dataset/cut_lists.h"

namespace onefold {
namespace {

using Numbers = std::vector<int32_t>;
using Arrays = std::vector<std::shared_ptr<arrow::Array>>;

std::shared_ptr<arrow::Array> array(const std::shared_ptr<arrow::DataType>& type,
                                    const std::string& json) {
  return arrow::json::ArrayFromJSONString(type, json).ValueOrDie();
}

SampleRefs refs_of(const RowWindows& windows) {
  SampleRefs refs;
  refs.rows.assign(windows.row.begin(), windows.row.end());
  refs.starts.assign(windows.start.begin(), windows.start.end());
  refs.lengths.assign(windows.length.begin(), windows.length.end());
  return refs;
}

// Merges the columns and expects that cutting the windows gives them back. Returns what is stored.
MergedLists merge(const Arrays& columns, const Numbers& owners) {
  MergedLists merged = merge_lists(columns, owners).value();
  for (size_t c = 0; c < columns.size(); ++c) {
    EXPECT_TRUE(merged.payload[c]->ValidateFull().ok());
    const auto cut = cut_lists(arrow::ChunkedArray(merged.payload[c]), refs_of(merged.windows),
                               columns[c]->type(), "test");
    EXPECT_TRUE(cut.ok()) << cut.status().message();
    if (!cut.ok()) continue;
    EXPECT_TRUE((*cut)->ValidateFull().ok());
    const auto whole = arrow::Concatenate((*cut)->chunks()).ValueOrDie();
    EXPECT_TRUE(whole->Equals(*columns[c], arrow::EqualOptions().nans_equal(true)))
        << whole->ToString() << columns[c]->ToString();
  }
  return merged;
}

std::string text(const std::shared_ptr<arrow::Array>& lists) {
  std::string text = lists->ToString();
  std::erase_if(text, [](char c) { return c == ' ' || c == '\n'; });
  return text;
}

TEST(MergeListsTest, ListsThatSlideAndGrow) {
  const auto type = arrow::list(arrow::int16());
  const auto merged = merge({array(type, "[[3,4,5],[4,5,6],[3,4],[],[5,6,7,8]]")}, Numbers(5));
  EXPECT_EQ(text(merged.payload[0]), "[[3,4,5,6,7,8]]");
  EXPECT_EQ(merged.windows.start, (Numbers{0, 1, 0, 0, 2}));
}

TEST(MergeListsTest, OwnersAndListsWithoutOverlapStayApart) {
  const auto type = arrow::large_list(arrow::float64());
  EXPECT_EQ(text(merge({array(type, "[[1,2],[2,3],[2,3,4]]")}, {0, 1, 0}).payload[0]),
            "[[1,2,3,4],[2,3]]");
  EXPECT_EQ(text(merge({array(type, "[[1,2],[7,8]]")}, {0, 0}).payload[0]), "[[1,2],[7,8]]");
}

// A null list is no empty one, and nothing merges with it.
TEST(MergeListsTest, NullsHaveRowsOfTheirOwn) {
  const auto type = arrow::list(arrow::utf8());
  const auto merged =
      merge({array(type, R"([["a","b"],null,[],["b",null,"c"],["b",null],null])")}, Numbers(6));
  EXPECT_EQ(merged.payload[0]->null_count(), 2);
  EXPECT_EQ(merged.windows.row, (Numbers{0, 1, 0, 0, 0, 2}));
  // In one column of two.
  const auto numbers = arrow::list(arrow::int64());
  merge({array(numbers, "[[1,2],[1,2,3],null,[2,3]]"), array(numbers, "[[5,6],null,[5,6],[6,7]]")},
        Numbers(4));
}

TEST(MergeListsTest, ListsOfDifferentLengthsHaveRowsOfTheirOwn) {
  const auto type = arrow::list(arrow::int64());
  const auto merged =
      merge({array(type, "[[1,2,3],[2,3,4],[3,4,5]]"), array(type, "[[6,7,8],[7,8],[8,9,0]]")},
            Numbers(3));
  EXPECT_EQ(merged.windows.row, (Numbers{0, 1, 0}));
  EXPECT_EQ(merged.windows.length, (Numbers{3, 3, 3}));
}

// Columns are merged where all of them agree.
TEST(MergeListsTest, SeveralColumnsAndTypes) {
  const auto items = array(arrow::list(arrow::uint8()), "[[1,2,3],[2,3,4],[2,3,4]]");
  const auto names = array(arrow::list(arrow::dictionary(arrow::int8(), arrow::utf8())),
                           R"([["a","b","c"],["b","c","d"],["b","c","x"]])");
  EXPECT_EQ(merge({items, names}, Numbers(3)).windows.row, (Numbers{0, 0, 1}));
  const auto pairs = arrow::list(arrow::struct_({arrow::field("a", arrow::boolean())}));
  merge({array(pairs, R"([[{"a":true},{"a":null}],[{"a":null},null],null])")}, Numbers(3));
  merge({array(arrow::list(arrow::list(arrow::int8())), "[[[1],[2]],[[2],null],[]]")}, Numbers(3));
}

TEST(MergeListsTest, FixedSizes) {
  const auto type = arrow::fixed_size_list(arrow::float32(), 3);
  const auto merged = merge({array(type, "[[1,2,3],[2,3,4],null,[9,9,9],[3,4,null]]")}, Numbers(5));
  EXPECT_EQ(merged.payload[0]->type_id(), arrow::Type::LIST);
  SampleRefs refs = refs_of(merged.windows);
  refs.lengths[1] = 2;
  const auto cut = cut_lists(arrow::ChunkedArray(merged.payload[0]), refs, type, "test");
  EXPECT_EQ(cut.status().code(), StatusCode::kDataLoss);
}

TEST(MergeListsTest, BitsOfFloatsCount) {
  auto values = std::make_shared<arrow::DoubleBuilder>();
  arrow::ListBuilder builder(arrow::default_memory_pool(), values);
  for (const std::vector<double>& row : {std::vector{0.0, 1.0, 2.0}, std::vector{-0.0, 1.0, 2.0}}) {
    ASSERT_TRUE(builder.Append().ok());
    ASSERT_TRUE(values->AppendValues(row).ok());
  }
  const auto merged = merge({builder.Finish().ValueOrDie()}, Numbers(2));
  EXPECT_EQ(merged.windows.row, (Numbers{0, 1}));
}

TEST(MergeListsTest, SlicesAndNoRows) {
  const auto type = arrow::list(arrow::int32());
  merge({array(type, "[[9],[1,2],null,[2,3]]")->Slice(1)}, Numbers(3));
  merge({array(type, "[]")}, {});
  const auto fixed = arrow::fixed_size_list(arrow::int32(), 2);
  merge({array(fixed, "[[9,9],[1,2],null,[2,3]]")->Slice(1)}, Numbers(3));
}

// Histories of several owners, in any order: growing, sliding, popped, new ones, null.
TEST(MergeListsTest, RandomHistories) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 200; ++round) {
    std::vector<std::vector<int64_t>> history(1 + random() % 4);
    auto values = std::make_shared<arrow::Int64Builder>();
    auto weights = std::make_shared<arrow::FloatBuilder>();
    arrow::ListBuilder ids(arrow::default_memory_pool(), values);
    arrow::LargeListBuilder floats(arrow::default_memory_pool(), weights);
    Numbers owners;
    for (int row = 0; row < 40; ++row) {
      const auto owner = static_cast<int32_t>(random() % history.size());
      std::vector<int64_t>& list = history[static_cast<size_t>(owner)];
      for (uint64_t n = random() % 4; n > 0; --n)
        list.push_back(static_cast<int64_t>(random() % 6));
      if (random() % 3 == 0 && list.size() > 3) list.erase(list.begin(), list.begin() + 2);
      if (random() % 16 == 0) list.clear();
      const bool is_null = random() % 12 == 0;
      owners.push_back(owner);
      ASSERT_TRUE((is_null ? ids.AppendNull() : ids.Append()).ok());
      ASSERT_TRUE(floats.Append().ok());
      for (size_t i = 0; i < list.size(); ++i) {
        if (!is_null) {
          ASSERT_TRUE(values->Append(list[i]).ok());
        }
        if (i == 0 && random() % 9 == 0) continue;  // now and then the lists differ in length
        ASSERT_TRUE(weights->Append(static_cast<float>(list[i]) / 2).ok());
      }
    }
    merge({ids.Finish().ValueOrDie(), floats.Finish().ValueOrDie()}, owners);
  }
}

}  // namespace
}  // namespace onefold
