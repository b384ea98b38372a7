// SPDX-License-Identifier: Apache-2.0
#include "onefold/log/parquet_columns.h"

#include <cmath>
#include <filesystem>

#include <arrow/api.h>
#include <arrow/io/file.h>
#include <gtest/gtest.h>
#include <parquet/arrow/writer.h>

#include "onefold/base/files.h"
#include "onefold/log/json_table.h"
#include "onefold/log/random_records.h"

namespace onefold {
namespace {

class ParquetColumnsTest : public testing::Test {
 protected:
  ParquetColumns file_of(const std::shared_ptr<arrow::DataType>& type, const char* json) {
    write_parquet(path_, {{"x", type, json}});
    return ParquetColumns::open(path_).value();
  }

  const std::string path_ = fresh_directory() + "/table.parquet";
};

TEST_F(ParquetColumnsTest, IdsOfEveryWidth) {
  for (const auto& type : {arrow::int8(), arrow::int16(), arrow::int32(), arrow::int64(),
                           arrow::uint8(), arrow::uint16(), arrow::uint32(), arrow::uint64()}) {
    SCOPED_TRACE(type->ToString());
    const auto ids = file_of(type, "[7, null, 100]").ids("x").value();
    EXPECT_EQ(ids.values(), (std::vector<int64_t>{7, 100}));
    EXPECT_EQ(ids.offsets(), (std::vector<int32_t>{0, 1, 1, 2}));
  }
  const auto flags = file_of(arrow::boolean(), "[true, false]").ids("x").value();
  EXPECT_EQ(flags.values(), (std::vector<int64_t>{1, 0}));
}

TEST_F(ParquetColumnsTest, FloatsFromNumbersOfAnyType) {
  for (const auto& type : {arrow::float32(), arrow::float64(), arrow::int32()}) {
    const auto floats = file_of(type, "[3, null]").floats("x").value();
    EXPECT_EQ(floats[0], 3);
    EXPECT_TRUE(std::isnan(floats[1]));
  }
  EXPECT_EQ(file_of(arrow::boolean(), "[true]").floats("x").value()[0], 1);
}

TEST_F(ParquetColumnsTest, ListsOfBothFlavours) {
  for (const auto& type : {arrow::list(arrow::int32()), arrow::large_list(arrow::uint64())}) {
    const auto lists = file_of(type, "[[1, 2], null, [], [3]]").id_lists("x").value();
    EXPECT_EQ(lists.values(), (std::vector<int64_t>{1, 2, 3}));
    EXPECT_EQ(lists.offsets(), (std::vector<int32_t>{0, 2, 2, 2, 3}));
  }
  const auto floats =
      file_of(arrow::large_list(arrow::float64()), "[[0.5, null]]").float_lists("x");
  EXPECT_EQ(floats->values()[0], 0.5f);
  EXPECT_TRUE(std::isnan(floats->values()[1]));
}

TEST_F(ParquetColumnsTest, TimesInAnyUnit) {
  for (const auto unit : {arrow::TimeUnit::MILLI, arrow::TimeUnit::MICRO, arrow::TimeUnit::NANO}) {
    const auto times =
        file_of(arrow::timestamp(unit), R"(["2023-05-18 07:00:03", null])").times_us("x");
    EXPECT_EQ(times->values(), std::vector<int64_t>{1'684'393'203'000'000});
    EXPECT_EQ(times->num_rows(), 2);
  }
  const auto before_1970 = file_of(arrow::list(arrow::timestamp(arrow::TimeUnit::MILLI)),
                                   R"([["1969-12-31 23:59:58.500"]])");
  EXPECT_EQ(const_cast<ParquetColumns&>(before_1970).time_lists_seconds("x")->values(),
            std::vector<int64_t>{-2});  // rounded down
}

TEST_F(ParquetColumnsTest, ErrorsNameFileColumnExpectedAndGot) {
  ParquetColumns file = file_of(arrow::utf8(), R"(["a"])");
  for (const Status& status :
       {file.ids("x").status(), file.floats("x").status(), file.times_us("x").status(),
        file.id_lists("x").status(), file.float_lists("x").status(),
        file.time_lists_seconds("x").status()}) {
    EXPECT_EQ(status.code(), StatusCode::kSchema);
    for (const char* part : {path_.c_str(), "'x'", "expected", "got string"}) {
      EXPECT_NE(status.message().find(part), std::string::npos) << status.message();
    }
  }
  const Status absent = file.ids("user_id").status();
  EXPECT_EQ(absent.code(), StatusCode::kSchema);
  EXPECT_NE(absent.message().find("no column 'user_id' (it has: x)"), std::string::npos)
      << absent.message();
  EXPECT_EQ(file_of(arrow::list(arrow::utf8()), R"([["a"]])").id_lists("x").status().code(),
            StatusCode::kSchema);
}

TEST_F(ParquetColumnsTest, NullInAnIdListIsDataLoss) {
  EXPECT_EQ(file_of(arrow::list(arrow::int32()), "[[1, null]]").id_lists("x").status().code(),
            StatusCode::kDataLoss);
}

TEST_F(ParquetColumnsTest, AbsentAndCutFiles) {
  EXPECT_EQ(ParquetColumns::open(path_).status().code(), StatusCode::kNotFound);
  write_parquet(path_, {{"x", arrow::list(arrow::int64()), "[[1, 2, 3], [4], [5, 6]]"}});
  const std::string bytes = read_file(path_).value();
  for (size_t size = 0; size < bytes.size(); ++size) {
    std::filesystem::remove(path_);
    ASSERT_TRUE(write_file_atomic(path_, bytes.substr(0, size)).ok());
    const auto file = ParquetColumns::open(path_);
    ASSERT_FALSE(file.ok()) << "cut to " << size;
    EXPECT_EQ(file.status().code(), StatusCode::kDataLoss) << file.status().message();
  }
}

// Parquet has no checksum here, so changed values may pass; a crash or an exception may not.
TEST_F(ParquetColumnsTest, EveryByteChanged) {
  write_parquet(path_, {{"x", arrow::list(arrow::int64()), "[[1, 2, 3], [4], [5, 6]]"}});
  const std::string bytes = read_file(path_).value();
  int64_t refused = 0;
  for (size_t at = 0; at < bytes.size(); ++at) {
    std::string damaged = bytes;
    damaged[at] = static_cast<char>(~damaged[at]);
    std::filesystem::remove(path_);
    ASSERT_TRUE(write_file_atomic(path_, damaged).ok());
    auto file = ParquetColumns::open(path_);
    refused += !file.ok() || !file->id_lists("x").ok();
  }
  EXPECT_GT(refused, static_cast<int64_t>(bytes.size()) / 4);
}

}  // namespace
}  // namespace onefold
