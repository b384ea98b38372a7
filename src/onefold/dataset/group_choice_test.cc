// SPDX-License-Identifier: Apache-2.0
#include "onefold/dataset/group_choice.h"

#include <arrow/builder.h>
#include <arrow/table.h>
#include <gtest/gtest.h>

namespace onefold {
namespace {

// A column of lists of `length` integers in which row i holds what `key` says.
std::shared_ptr<arrow::Array> lists(int num_rows, int length, const std::function<int(int)>& key) {
  auto values = std::make_shared<arrow::Int64Builder>();
  arrow::ListBuilder builder(arrow::default_memory_pool(), values);
  for (int row = 0; row < num_rows; ++row) {
    EXPECT_TRUE(builder.Append().ok());
    for (int i = 0; i < length; ++i) EXPECT_TRUE(values->Append(key(row) * 1000 + i).ok());
  }
  return builder.Finish().ValueOrDie();
}

std::shared_ptr<arrow::Table> table(
    const std::vector<std::pair<std::string, std::shared_ptr<arrow::Array>>>& columns) {
  arrow::FieldVector fields;
  arrow::ArrayVector arrays;
  for (const auto& [name, array] : columns) {
    fields.push_back(arrow::field(name, array->type()));
    arrays.push_back(array);
  }
  return arrow::Table::Make(arrow::schema(fields), arrays);
}

using Names = std::vector<std::string>;

TEST(ChooseColumnGroupsTest, ColumnsThatChangeTogether) {
  const auto by_session = [](int row) { return row / 20; };
  const auto rows = table({{"viewed", lists(400, 30, by_session)},
                           {"tags", lists(400, 30, [](int row) { return row % 3; })},
                           {"dwell", lists(400, 5, by_session)},
                           {"own", lists(400, 30, [](int row) { return row; })}});
  const auto groups = choose_column_groups(*rows);
  ASSERT_EQ(groups.size(), 2u);
  EXPECT_EQ(groups[0], (ColumnGroup{"group0", {"viewed", "dwell"}}));
  EXPECT_EQ(groups[1], (ColumnGroup{"group1", {"tags"}}));
}

TEST(ChooseColumnGroupsTest, NamesThatAreTaken) {
  const auto same = lists(100, 30, [](int) { return 1; });
  const auto groups = choose_column_groups(*table({{"group0", same}, {"ref", same}}));
  ASSERT_EQ(groups.size(), 1u);  // "ref" is the payload's own column
  EXPECT_EQ(groups[0], (ColumnGroup{"group1", {"group0"}}));
}

TEST(ChooseColumnGroupsTest, NamedGroupsAreLeftAlone) {
  const auto same = lists(100, 30, [](int) { return 1; });
  const auto rows = table({{"a", same}, {"b", same}});
  EXPECT_EQ(choose_column_groups(*rows, {{"group0", {"a"}, true}}),
            (std::vector<ColumnGroup>{{"group1", {"b"}}}));
}

TEST(NameColumnGroupsTest, FreeNames) {
  const auto same = lists(1, 1, [](int) { return 1; });
  const auto rows = table({{"window0", same}, {"window2.start", same}});
  std::vector<ColumnGroup> groups = {{"", {"a"}, true}, {"window1", {"b"}}, {"", {"c"}, true}};
  name_column_groups(groups, *rows->schema());
  EXPECT_EQ(groups[0].name, "window3");
  EXPECT_EQ(groups[2].name, "window4");
}

TEST(ParseWindowGroupTest, Words) {
  EXPECT_EQ(*parse_window_group("viewed,dwell"), (ColumnGroup{"", {"viewed", "dwell"}, true}));
  EXPECT_EQ(*parse_window_group("h=viewed"), (ColumnGroup{"h", {"viewed"}, true}));
  for (const char* text : {"", ",", "h=", "=viewed"}) {
    EXPECT_EQ(parse_window_group(text).status().code(), StatusCode::kInvalidArgument) << text;
  }
}

TEST(ChooseColumnGroupsTest, NoRows) {
  EXPECT_TRUE(choose_column_groups(*table({{"a", lists(0, 1, [](int) { return 0; })}})).empty());
}

TEST(ParseColumnGroupTest, Words) {
  EXPECT_EQ(*parse_column_group("history=viewed,dwell"),
            (ColumnGroup{"history", {"viewed", "dwell"}}));
  for (const char* text : {"", "history", "history=", "=viewed", "history=,"}) {
    EXPECT_EQ(parse_column_group(text).status().code(), StatusCode::kInvalidArgument) << text;
  }
}

TEST(CheckColumnGroupsTest, WhatCannotBe) {
  const auto schema =
      arrow::schema({arrow::field("a", arrow::int64()), arrow::field("ref", arrow::int64()),
                     arrow::field("h.ref", arrow::int64())});
  const auto check = [&](const std::vector<ColumnGroup>& groups) {
    return check_column_groups(groups, *schema).code();
  };
  EXPECT_EQ(check({{"g", {"a"}}}), StatusCode::kOk);
  EXPECT_EQ(check({{"g", {"b"}}}), StatusCode::kNotFound);
  EXPECT_EQ(check({{"g", {"ref"}}}), StatusCode::kUnsupported);
  EXPECT_EQ(check({{"g", {"a", "a"}}}), StatusCode::kInvalidArgument);
  for (const char* name : {"a", "h", "samples", "ref", "", "x.y", "x/y"}) {
    EXPECT_EQ(check({{name, {"a"}}}), StatusCode::kInvalidArgument) << name;
  }
}

}  // namespace
}  // namespace onefold
