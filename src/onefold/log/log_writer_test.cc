// SPDX-License-Identifier: Apache-2.0
#include "onefold/log/log_writer.h"

#include <filesystem>
#include <fstream>
#include <set>

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>

#include "onefold/base/files.h"
#include "onefold/log/log_meta.h"
#include "onefold/log/random_records.h"
#include "onefold/log/record_buffer.h"
#include "onefold/log/segment_blocks.h"

namespace onefold {
namespace {

namespace fs = std::filesystem;

class LogWriterTest : public testing::Test {
 protected:
  std::unique_ptr<LogWriter> open(const LogOptions& options) {
    auto writer = LogWriter::open(logs_, schema_, options);
    EXPECT_TRUE(writer.ok()) << writer.status().message();
    return *std::move(writer);
  }

  std::vector<std::string> files(const std::string& ending) {
    std::vector<std::string> found;
    const auto all = list_files(logs_).value();
    for (const std::string& name : all) {
      if (name.ends_with(ending)) found.push_back(name);
    }
    return found;
  }

  const Schema schema_ = every_kind_schema();
  const std::string logs_ = fresh_directory() + "/logs";
  RandomRecords random_{schema_, 1};
};

TEST_F(LogWriterTest, OneShardReturnsWhatWasAppended) {
  const FeatureRecords requests = random_.requests(200);
  const EventRecords events = random_.events(90);
  auto writer = open({.num_shards = 1});
  ASSERT_TRUE(writer->append(requests).ok());
  ASSERT_TRUE(writer->append(events).ok());
  ASSERT_TRUE(writer->close().ok());
  const WholeLog whole = read_whole_log(logs_);
  ASSERT_EQ(whole.features.size(), 1u);
  ASSERT_EQ(whole.events.size(), 1u);
  EXPECT_EQ(whole.features[0], requests);
  EXPECT_EQ(whole.events[0], events);
  EXPECT_TRUE(whole.torn_tails.empty());
}

// Every shard holds its records in the order appended, and nothing is lost or doubled.
TEST_F(LogWriterTest, ManyShardsBlocksAndSegments) {
  const FeatureRecords requests = random_.requests(500);
  auto writer = open({.num_shards = 3, .block_bytes = 2000, .segment_bytes = 6000});
  ASSERT_TRUE(writer->append(requests).ok());
  ASSERT_TRUE(writer->close().ok());
  EXPECT_GT(files(".arrow").size(), 6u);
  const WholeLog whole = read_whole_log(logs_);
  EXPECT_GT(whole.features.size(), 20u);

  std::set<int64_t> seen;
  FeatureBuffer expected(schema_), got(schema_);
  for (const FeatureRecords& block : whole.features) {
    for (int64_t row = 0; row < block.num_requests(); ++row) {
      expected.append(requests, block.request_id[row]);
      got.append(block, row);
      seen.insert(block.request_id[row]);
      if (row == 0) continue;
      EXPECT_LT(block.request_id[row - 1], block.request_id[row]);
    }
  }
  EXPECT_EQ(seen.size(), 500u);
  EXPECT_EQ(got.num_records(), 500);
  EXPECT_EQ(expected.take(), got.take());
}

template <typename Codec>
std::set<int64_t> sessions_of_shard(const std::string& logs, const Schema& schema, int shard) {
  std::set<int64_t> sessions;
  const Codec codec(schema);
  const auto all = list_segments(shard_directory(logs, Codec::kStream, shard)).value();
  for (const auto& segment : all) {
    auto reader = SegmentReader::open(segment.file(), codec.arrow_schema()).value();
    const Status status = visit_blocks(reader, codec, [&](typename Codec::Records&& records) {
      sessions.insert(records.session_id.begin(), records.session_id.end());
      return Status();
    });
    EXPECT_TRUE(status.ok());
  }
  return sessions;
}

TEST_F(LogWriterTest, ShardingBySessionKeepsASessionTogether) {
  auto writer = open({.shard_by = ShardBy::kSession, .num_shards = 4, .block_bytes = 500});
  ASSERT_TRUE(writer->append(random_.requests(300)).ok());
  ASSERT_TRUE(writer->append(random_.events(300)).ok());
  ASSERT_TRUE(writer->close().ok());
  size_t num_sessions = 0;
  for (int shard = 0; shard < 4; ++shard) {
    const auto sessions = sessions_of_shard<FeatureCodec>(logs_, schema_, shard);
    EXPECT_EQ(sessions, sessions_of_shard<EventCodec>(logs_, schema_, shard));
    num_sessions += sessions.size();
  }
  EXPECT_EQ(num_sessions, 7u);  // each of the 7 in one shard only
}

TEST_F(LogWriterTest, ShardingByRequestSpreadsASession) {
  auto writer = open({.shard_by = ShardBy::kRequest, .num_shards = 4});
  ASSERT_TRUE(writer->append(random_.requests(300)).ok());
  ASSERT_TRUE(writer->close().ok());
  for (int shard = 0; shard < 4; ++shard) {
    EXPECT_EQ(sessions_of_shard<FeatureCodec>(logs_, schema_, shard).size(), 7u);
  }
}

TEST_F(LogWriterTest, ContinuesAnExistingLog) {
  const LogOptions options{.num_shards = 1};
  const FeatureRecords first = random_.requests(10), second = random_.requests(10);
  for (const FeatureRecords& records : {first, second}) {
    auto writer = open(options);
    ASSERT_TRUE(writer->append(records).ok());
    ASSERT_TRUE(writer->close().ok());
  }
  EXPECT_EQ(files(".arrow"), (std::vector<std::string>{"feature/shard-00000/000000.arrow",
                                                       "feature/shard-00000/000001.arrow"}));
  const WholeLog whole = read_whole_log(logs_);
  ASSERT_EQ(whole.features.size(), 2u);
  EXPECT_EQ(whole.features[0], first);
  EXPECT_EQ(whole.features[1], second);
}

TEST_F(LogWriterTest, RefusesAnotherSchemaOrSharding) {
  ASSERT_TRUE(open({.num_shards = 2})->close().ok());
  Schema other = schema_;
  other.features.pop_back();
  EXPECT_EQ(LogWriter::open(logs_, other, {.num_shards = 2}).status().code(), StatusCode::kSchema);
  EXPECT_EQ(LogWriter::open(logs_, schema_, {.num_shards = 3}).status().code(),
            StatusCode::kSchema);
  const auto by_request =
      LogWriter::open(logs_, schema_, {.shard_by = ShardBy::kRequest, .num_shards = 2});
  EXPECT_EQ(by_request.status().code(), StatusCode::kSchema);
  EXPECT_NE(by_request.status().message().find("2 shards by session"), std::string::npos)
      << by_request.status().message();
}

TEST_F(LogWriterTest, RefusesADirectoryOfOtherThings) {
  fs::create_directories(logs_);
  std::ofstream(logs_ + "/thesis.tex") << "important";
  EXPECT_EQ(LogWriter::open(logs_, schema_).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(list_files(logs_).value(), std::vector<std::string>{"thesis.tex"});
}

TEST_F(LogWriterTest, RefusesASecondWriter) {
  auto first = open({});
  EXPECT_EQ(LogWriter::open(logs_, schema_).status().code(), StatusCode::kInvalidArgument);
  first.reset();
  EXPECT_TRUE(LogWriter::open(logs_, schema_).ok());
}

TEST_F(LogWriterTest, RefusesOptionsOutOfRange) {
  EXPECT_EQ(LogWriter::open(logs_, schema_, {.num_shards = 0}).status().code(),
            StatusCode::kInvalidArgument);
  EXPECT_EQ(LogWriter::open(logs_, schema_, {.zstd_level = 23}).status().code(),
            StatusCode::kInvalidArgument);
  EXPECT_FALSE(path_exists(logs_));
}

TEST_F(LogWriterTest, FlushMakesRecordsReadableBeforeSealing) {
  auto writer = open({.num_shards = 1});
  ASSERT_TRUE(writer->append(random_.requests(5)).ok());
  EXPECT_EQ(read_whole_log(logs_).num_requests(), 0);
  ASSERT_TRUE(writer->flush().ok());
  const WholeLog whole = read_whole_log(logs_);
  EXPECT_EQ(whole.num_requests(), 5);
  EXPECT_TRUE(whole.torn_tails.empty());  // an open segment that ends after a block is whole
  EXPECT_EQ(files(".open").size(), 1u);
}

TEST_F(LogWriterTest, SealsWhatAKilledWriterLeft) {
  const LogOptions options{.num_shards = 1};
  {
    auto killed = open(options);
    ASSERT_TRUE(killed->append(random_.requests(5)).ok());
    ASSERT_TRUE(killed->flush().ok());
    ASSERT_TRUE(killed->append(random_.requests(6)).ok());
    ASSERT_TRUE(killed->flush().ok());
  }
  const std::string segment = logs_ + "/feature/shard-00000/000000.arrow";
  fs::resize_file(segment + ".open", file_size(segment + ".open").value() - 3);
  EXPECT_EQ(read_whole_log(logs_).torn_tails.size(), 1u);

  auto writer = open(options);
  ASSERT_EQ(writer->recovered().size(), 1u);
  EXPECT_EQ(writer->recovered()[0].num_records, 5);
  EXPECT_GT(writer->recovered()[0].bytes_skipped, 0);
  EXPECT_TRUE(path_exists(segment));
  EXPECT_FALSE(path_exists(segment + ".open"));
  EXPECT_EQ(file_size(segment + ".torn").value(),
            static_cast<uint64_t>(writer->recovered()[0].bytes_skipped));
  ASSERT_TRUE(writer->append(random_.requests(7)).ok());
  ASSERT_TRUE(writer->close().ok());
  const WholeLog whole = read_whole_log(logs_);
  EXPECT_EQ(whole.num_requests(), 12);
  EXPECT_TRUE(whole.torn_tails.empty());
}

TEST_F(LogWriterTest, SetsAsideASegmentWithoutACompleteBlock) {
  fs::create_directories(logs_ + "/event/shard-00000");
  ASSERT_TRUE(write_log_meta(logs_, {schema_, ShardBy::kSession, 1}).ok());
  const std::string shard = logs_ + "/event/shard-00000";
  std::ofstream(shard + "/000003.arrow.open") << "";
  std::ofstream(shard + "/000004.arrow.open") << "half a schema";
  auto writer = open({.num_shards = 1});
  EXPECT_EQ(writer->recovered().size(), 1u);  // nothing was lost from the empty one
  EXPECT_EQ(list_files(shard).value(), std::vector<std::string>{"000004.arrow.torn"});
  ASSERT_TRUE(writer->append(random_.events(1)).ok());
  ASSERT_TRUE(writer->close().ok());
  EXPECT_EQ(read_whole_log(logs_).num_events(), 1);
  EXPECT_EQ(files(".arrow"), std::vector<std::string>{"event/shard-00000/000005.arrow"});
}

// Killed between the end marker and the rename: the segment is whole.
TEST_F(LogWriterTest, SealsASegmentThatOnlyLacksItsName) {
  auto first = open({.num_shards = 1});
  ASSERT_TRUE(first->append(random_.requests(4)).ok());
  ASSERT_TRUE(first->close().ok());
  first.reset();
  const std::string segment = logs_ + "/feature/shard-00000/000000.arrow";
  const std::string bytes = read_file(segment).value();
  fs::rename(segment, segment + ".open");
  auto second = open({.num_shards = 1});
  EXPECT_TRUE(second->recovered().empty());
  EXPECT_EQ(read_file(segment).value(), bytes);
  EXPECT_FALSE(path_exists(segment + ".torn"));
}

// A limit on file sizes stands in for a full disk.
TEST_F(LogWriterTest, WritesOnAfterADiskWasFull) {
  auto writer = open({.num_shards = 1});
  ASSERT_TRUE(writer->append(random_.requests(3)).ok());
  ASSERT_TRUE(writer->flush().ok());
  const uint64_t size = file_size(logs_ + "/feature/shard-00000/000000.arrow.open").value();
  rlimit usual;
  ::getrlimit(RLIMIT_FSIZE, &usual);
  const rlimit full{size + 100, usual.rlim_max};
  ::signal(SIGXFSZ, SIG_IGN);
  ::setrlimit(RLIMIT_FSIZE, &full);
  ASSERT_TRUE(writer->append(random_.requests(4)).ok());
  const Status status = writer->flush();
  ::setrlimit(RLIMIT_FSIZE, &usual);
  EXPECT_EQ(status.code(), StatusCode::kIoError) << status.message();

  ASSERT_TRUE(writer->append(random_.requests(5)).ok());
  ASSERT_TRUE(writer->close().ok());
  const WholeLog whole = read_whole_log(logs_);
  EXPECT_EQ(whole.num_requests(), 3 + 5);
  ASSERT_EQ(whole.torn_tails.size(), 1u);
  EXPECT_EQ(whole.torn_tails[0].bytes_skipped, 100);
}

TEST_F(LogWriterTest, RefusesAnActionThatIsNotUtf8) {
  auto writer = open({.num_shards = 1});
  EventRecords events = random_.events(2);
  events.action[1] = "\xff";
  EXPECT_EQ(writer->append(events).code(), StatusCode::kSchema);
  ASSERT_TRUE(writer->close().ok());
  EXPECT_EQ(read_whole_log(logs_).num_events(), 0);
}

TEST_F(LogWriterTest, ThrowsOnColumnsThatDoNotFollowTheSchema) {
  auto writer = open({.num_shards = 1});
  FeatureRecords records = random_.requests(3);
  records.user_id.pop_back();
  EXPECT_THROW((void)writer->append(records), CheckError);
  records = random_.requests(3);
  records.item_dense.names = {"weight"};
  EXPECT_THROW((void)writer->append(records), CheckError);
}

}  // namespace
}  // namespace onefold
