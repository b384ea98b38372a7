// SPDX-License-Identifier: Apache-2.0
#include "onefold/log/log_reader.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "onefold/base/files.h"
#include "onefold/log/log_meta.h"
#include "onefold/log/random_records.h"

namespace onefold {
namespace {

class LogReaderTest : public testing::Test {
 protected:
  void write_log() {
    auto writer = LogWriter::open(logs_, schema_, {.num_shards = 2}).value();
    ASSERT_TRUE(writer->append(random_.requests(20)).ok());
    ASSERT_TRUE(writer->append(random_.events(20)).ok());
    ASSERT_TRUE(writer->close().ok());
  }

  // Replaces one field of `_log.json`.
  void edit_meta(const std::string& key, const nlohmann::json& value) {
    auto json = nlohmann::json::parse(read_file(logs_ + "/_log.json").value());
    json[key] = value;
    ASSERT_TRUE(write_file_atomic(logs_ + "/_log.json", json.dump()).ok());
  }

  const Schema schema_ = every_kind_schema();
  const std::string logs_ = fresh_directory() + "/logs";
  RandomRecords random_{schema_, 2};
};

TEST_F(LogReaderTest, SaysHowTheLogWasWritten) {
  auto writer = LogWriter::open(logs_, schema_, {.shard_by = ShardBy::kRequest, .num_shards = 5});
  ASSERT_TRUE((*writer)->close().ok());
  const LogReader reader = LogReader::open(logs_).value();
  EXPECT_EQ(reader.schema(), schema_);
  EXPECT_EQ(reader.options().shard_by, ShardBy::kRequest);
  EXPECT_EQ(reader.options().num_shards, 5);
  EXPECT_EQ(reader.feature_bytes().value(), 0);
}

TEST_F(LogReaderTest, BytesAreThoseOfTheSegments) {
  write_log();
  int64_t features = 0, events = 0;
  const auto all = list_files(logs_).value();
  for (const std::string& name : all) {
    if (name == kLogMetaName) continue;
    (name.starts_with("feature/") ? features : events) += file_size(logs_ + "/" + name).value();
  }
  const LogReader reader = LogReader::open(logs_).value();
  EXPECT_EQ(reader.feature_bytes().value(), features);
  EXPECT_EQ(reader.event_bytes().value(), events);
  EXPECT_GT(features, events);
}

TEST_F(LogReaderTest, NotFoundWithoutMeta) {
  const Status status = LogReader::open(logs_).status();
  EXPECT_EQ(status.code(), StatusCode::kNotFound);
  EXPECT_NE(status.message().find("onefold import"), std::string::npos) << status.message();
}

TEST_F(LogReaderTest, UnsupportedWhenNewer) {
  write_log();
  edit_meta("format_version", kLogFormatVersion + 1);
  EXPECT_EQ(LogReader::open(logs_).status().code(), StatusCode::kUnsupported);
}

TEST_F(LogReaderTest, DamagedMeta) {
  write_log();
  edit_meta("num_shards", "two");
  EXPECT_EQ(LogReader::open(logs_).status().code(), StatusCode::kSchema);
  edit_meta("num_shards", 0);
  EXPECT_EQ(LogReader::open(logs_).status().code(), StatusCode::kSchema);
  ASSERT_TRUE(write_file_atomic(logs_ + "/_log.json", "{\"format\": ").ok());
  EXPECT_EQ(LogReader::open(logs_).status().code(), StatusCode::kDataLoss);
}

TEST_F(LogReaderTest, FirstErrorOfTheVisitorEndsTheRead) {
  write_log();
  LogReader reader = LogReader::open(logs_).value();
  int calls = 0;
  const Status status = reader.read_features([&](FeatureRecords&&) {
    ++calls;
    return io_error("enough");
  });
  EXPECT_EQ(status.message(), "enough");
  EXPECT_EQ(calls, 1);
}

TEST_F(LogReaderTest, SegmentsOfAnotherSchemaAreReportedNotRead) {
  write_log();
  Schema other = schema_;
  other.features[0].name = "renamed";
  ASSERT_TRUE(write_log_meta(logs_, {other, ShardBy::kSession, 2}).ok());
  const WholeLog whole = read_whole_log(logs_);
  EXPECT_EQ(whole.num_requests(), 0);
  ASSERT_EQ(whole.torn_tails.size(), 4u);
  EXPECT_NE(whole.torn_tails[0].reason.find("differs from the log's schema"), std::string::npos);
}

}  // namespace
}  // namespace onefold
