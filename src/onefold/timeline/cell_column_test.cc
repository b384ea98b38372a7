// SPDX-License-Identifier: Apache-2.0
#include "onefold/timeline/cell_column.h"

#include <cmath>
#include <limits>

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/type.h>
#include <gtest/gtest.h>

#include "onefold/timeline/event.h"

namespace onefold {
namespace {

template <typename Builder, typename T>
std::shared_ptr<arrow::Array> array_of(Builder builder, const std::vector<T>& values) {
  for (const T& value : values) EXPECT_TRUE(builder.Append(value).ok());
  EXPECT_TRUE(builder.AppendNull().ok());
  return builder.Finish().ValueOrDie();
}

std::shared_ptr<arrow::Array> texts(const std::vector<std::string>& values) {
  return array_of(arrow::StringBuilder(), values);
}
std::shared_ptr<arrow::Array> doubles(const std::vector<double>& values) {
  return array_of(arrow::DoubleBuilder(), values);
}
std::shared_ptr<arrow::Array> longs(const std::vector<int64_t>& values) {
  return array_of(arrow::Int64Builder(), values);
}

TEST(CellColumn, Ids) {
  int64_t id = 0;
  const CellColumn text(texts({"12", "-7", "12.0", "12.5", "x", "", "99999999999999999999"}), {});
  EXPECT_EQ(text.id(0, &id), Cell::kOk);
  EXPECT_EQ(id, 12);
  EXPECT_EQ(text.id(1, &id), Cell::kOk);
  EXPECT_EQ(id, -7);
  EXPECT_EQ(text.id(2, &id), Cell::kOk);
  EXPECT_EQ(id, 12);
  EXPECT_EQ(text.id(3, &id), Cell::kBad);
  EXPECT_EQ(text.id(4, &id), Cell::kBad);
  EXPECT_EQ(text.id(5, &id), Cell::kEmpty);
  EXPECT_EQ(text.id(6, &id), Cell::kBad);  // more than 64 bits
  EXPECT_EQ(text.id(7, &id), Cell::kEmpty);
  const CellColumn number(doubles({3.0, 3.5, NAN}), {});
  EXPECT_EQ(number.id(0, &id), Cell::kOk);
  EXPECT_EQ(id, 3);
  EXPECT_EQ(number.id(1, &id), Cell::kBad);
  EXPECT_EQ(number.id(2, &id), Cell::kEmpty);
  const CellColumn reserved(longs({kMissing}), {});
  EXPECT_EQ(reserved.id(0, &id), Cell::kEmpty);
}

TEST(CellColumn, HashedIdsOfTextAndNumbersAgree) {
  int64_t a = 0, b = 0, c = 0;
  EXPECT_EQ(CellColumn(texts({"17"}), {.hash = true}).id(0, &a), Cell::kOk);
  EXPECT_EQ(CellColumn(longs({17}), {.hash = true}).id(0, &b), Cell::kOk);
  EXPECT_EQ(CellColumn(texts({"u-17"}), {.hash = true}).id(0, &c), Cell::kOk);
  EXPECT_EQ(a, b);
  EXPECT_NE(a, c);
  EXPECT_NE(a, 17);
}

TEST(CellColumn, TimesInEveryUnit) {
  int64_t us = 0;
  const auto time = [&](std::shared_ptr<arrow::Array> array, TimeUnit unit) {
    us = -1;
    return CellColumn(std::move(array), {.unit = unit}).time_us(0, &us);
  };
  EXPECT_EQ(time(longs({1700000000}), TimeUnit::kSeconds), Cell::kOk);
  EXPECT_EQ(us, 1700000000000000);
  EXPECT_EQ(time(texts({"1700000000975"}), TimeUnit::kMillis), Cell::kOk);
  EXPECT_EQ(us, 1700000000975000);
  EXPECT_EQ(time(longs({-1}), TimeUnit::kNanos), Cell::kOk);
  EXPECT_EQ(us, -1);  // rounds down
  EXPECT_EQ(time(doubles({1.25}), TimeUnit::kSeconds), Cell::kOk);
  EXPECT_EQ(us, 1250000);
  EXPECT_EQ(time(texts({"2023-05-18 07:00:03.5"}), TimeUnit::kIso), Cell::kOk);
  EXPECT_EQ(us, 1684393203500000);
  EXPECT_EQ(time(texts({"yesterday"}), TimeUnit::kIso), Cell::kBad);
  EXPECT_EQ(time(texts({"yesterday"}), TimeUnit::kSeconds), Cell::kBad);
  EXPECT_EQ(time(longs({std::numeric_limits<int64_t>::max()}), TimeUnit::kSeconds), Cell::kBad);
  // A timestamp column knows its unit.
  arrow::TimestampBuilder builder(arrow::timestamp(arrow::TimeUnit::MILLI),
                                  arrow::default_memory_pool());
  ASSERT_TRUE(builder.Append(1500).ok());
  EXPECT_EQ(time(builder.Finish().ValueOrDie(), TimeUnit::kSeconds), Cell::kOk);
  EXPECT_EQ(us, 1500000);
}

TEST(CellColumn, SecondsAreNeitherNegativeNorInfinite) {
  float seconds = -1;
  const CellColumn cells(texts({"2500", "-1", "inf", "x", ""}), {.unit = TimeUnit::kMillis});
  EXPECT_EQ(cells.seconds(0, &seconds), Cell::kOk);
  EXPECT_EQ(seconds, 2.5f);
  EXPECT_EQ(cells.seconds(1, &seconds), Cell::kBad);
  EXPECT_EQ(cells.seconds(2, &seconds), Cell::kBad);
  EXPECT_EQ(cells.seconds(3, &seconds), Cell::kBad);
  EXPECT_EQ(cells.seconds(4, &seconds), Cell::kEmpty);
  EXPECT_EQ(seconds, 2.5f);  // left alone
}

TEST(CellColumn, NamesAndFlags) {
  std::string name;
  EXPECT_EQ(CellColumn(longs({3}), {}).name(0, &name), Cell::kOk);
  EXPECT_EQ(name, "3");
  EXPECT_EQ(CellColumn(doubles({0.5}), {}).name(0, &name), Cell::kOk);
  EXPECT_EQ(name, "0.5");
  EXPECT_EQ(CellColumn(texts({""}), {}).name(0, &name), Cell::kEmpty);
  bool set = false;
  const CellColumn flags(texts({"1", "0", "true", "False", "", "maybe"}), {});
  const std::vector<bool> expected = {true, false, true, false, false};
  for (size_t i = 0; i < expected.size(); ++i) {
    EXPECT_EQ(flags.flag(static_cast<int64_t>(i), &set), Cell::kOk);
    EXPECT_EQ(set, expected[i]) << i;
  }
  EXPECT_EQ(flags.flag(5, &set), Cell::kBad);
}

TEST(CellColumn, Dictionaries) {
  arrow::DictionaryBuilder<arrow::StringType> builder(arrow::default_memory_pool());
  for (const char* value : {"feed", "reels", "feed"}) ASSERT_TRUE(builder.Append(value).ok());
  ASSERT_TRUE(builder.AppendNull().ok());
  const CellColumn cells(builder.Finish().ValueOrDie(), {});
  std::string name;
  EXPECT_EQ(cells.name(1, &name), Cell::kOk);
  EXPECT_EQ(name, "reels");
  EXPECT_EQ(cells.name(2, &name), Cell::kOk);
  EXPECT_EQ(name, "feed");
  EXPECT_EQ(cells.name(3, &name), Cell::kEmpty);
}

TEST(CellColumn, TypesThatCannotBeRead) {
  EXPECT_TRUE(CellColumn::check_type(*arrow::dictionary(arrow::int8(), arrow::utf8()), "a").ok());
  const Status status = CellColumn::check_type(*arrow::list(arrow::int64()), "tags");
  EXPECT_EQ(status.code(), StatusCode::kSchema);
  EXPECT_NE(status.message().find("column 'tags' is list"), std::string::npos);
}

}  // namespace
}  // namespace onefold
