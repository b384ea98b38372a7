// SPDX-License-Identifier: Apache-2.0
#include "onefold/log/kuairand.h"

#include <cmath>
#include <filesystem>
#include <memory>
#include <set>

#include <arrow/util/compression.h>
#include <gtest/gtest.h>

#include "onefold/base/files.h"
#include "onefold/log/random_records.h"

namespace onefold {
namespace {

namespace fs = std::filesystem;

constexpr const char* kHeader =
    "user_id,video_id,time_ms,tab,is_click,long_view,is_like,play_time_ms,duration_ms,author_id,"
    "tag,part\n";
constexpr const char* kRows =
    "1,11,1000,1,1,0,0,500,20000,901,7,val\n"
    "1,12,1000,1,0,0,0,0,,,\"7,8\",val\n"
    "1,13,1801000,1,1,1,1,9000,9000,903,unknown,val\n"  // 30 minutes later: another session
    "1,13,1801000,1,1,1,1,9000,9000,903,,val\n"
    "1,14,3600000,1,0,0,0,0,5000,904,9,val\n"  // a second short of 30 minutes
    "2,11,500,1,0,0,0,,20000,901,7,val\n";

class KuaiRandTest : public testing::Test {
 protected:
  void SetUp() override {
    fs::create_directories(data_);
    write("impressions.csv.zst", std::string(kHeader) + kRows);
    write("user_history.csv.zst", "user_id,last_time_ms,watch_seq\n1,-9,13 99 11\n");
  }

  void write(const std::string& name, const std::string& text) {
    const auto codec = arrow::util::Codec::Create(arrow::Compression::ZSTD).ValueOrDie();
    const auto* bytes = reinterpret_cast<const uint8_t*>(text.data());
    const auto size = static_cast<int64_t>(text.size());
    std::string packed(codec->MaxCompressedLen(size, bytes), '\0');
    const int64_t packed_size = codec
                                    ->Compress(size, bytes, static_cast<int64_t>(packed.size()),
                                               reinterpret_cast<uint8_t*>(packed.data()))
                                    .ValueOrDie();
    packed.resize(packed_size);
    ASSERT_TRUE(write_file_atomic(data_ + "/" + name, packed).ok());
  }

  Result<KuaiRandCounts> import() {
    return import_kuairand(data_, logs_, {.num_shards = 1}, [this](int64_t done, int64_t all) {
      progress_ = {done, all};
    });
  }

  const std::string root_ = fresh_directory();
  const std::string data_ = root_ + "/data", logs_ = root_ + "/logs";
  std::pair<int64_t, int64_t> progress_;  // the last
};

TEST_F(KuaiRandTest, RowsBecomeRequestsInTimeOrder) {
  const KuaiRandCounts counts = import().value();
  EXPECT_EQ(counts.requests, 4);
  EXPECT_EQ(progress_, std::pair(counts.requests, counts.requests));
  EXPECT_EQ(counts.candidates, 5);
  EXPECT_EQ(counts.duplicates, 1);
  EXPECT_EQ(counts.users, 2);
  EXPECT_EQ(counts.users_without_history, 1);
  EXPECT_TRUE(counts.skipped.empty());

  const WholeLog whole = read_whole_log(logs_);
  ASSERT_EQ(whole.features.size(), 1u);
  const FeatureRecords& r = whole.features[0];
  EXPECT_EQ(r.user_id, (std::vector<int64_t>{2, 1, 1, 1}));
  EXPECT_EQ(r.request_id, (std::vector<int64_t>{5, 0, 2, 4}));
  EXPECT_EQ(r.session_id, (std::vector<int64_t>{5, 0, 2, 2}));
  EXPECT_EQ(r.time_us, (std::vector<int64_t>{500'000, 1'000'000, 1'801'000'000, 3'600'000'000}));
  EXPECT_EQ(r.item_id, (std::vector<int64_t>{11, 11, 12, 13, 14}));
  EXPECT_EQ(r.candidate_offsets, (std::vector<int32_t>{0, 1, 3, 4, 5}));
  EXPECT_EQ(r.item_features.get<int64_t>("author").offsets(),
            (std::vector<int32_t>{0, 1, 2, 2, 3, 4}));
  EXPECT_EQ(r.item_features.get<int64_t>("tag").values(), (std::vector<int64_t>{7, 7, 7, 8, 9}));
  EXPECT_EQ(r.item_dense.values[0], 20);
  EXPECT_TRUE(std::isnan(r.item_dense.values[2]));
}

// A request knows what came strictly before it: not its own candidates, nor the other one's.
TEST_F(KuaiRandTest, HistoryEndsBeforeTheRequest) {
  ASSERT_TRUE(import().ok());
  const WholeLog whole = read_whole_log(logs_);
  const auto& videos = whole.features[0].user_features.get<int64_t>("history_video_id");
  EXPECT_EQ(videos.offsets(), (std::vector<int32_t>{0, 0, 3, 8, 14}));
  EXPECT_EQ(videos.values(),
            (std::vector<int64_t>{13, 99, 11, 13, 99, 11, 11, 12, 13, 99, 11, 11, 12, 13}));
  const auto& authors = whole.features[0].user_features.get<int64_t>("history_author");
  EXPECT_EQ(authors.offsets(), videos.offsets());
  EXPECT_EQ(std::vector<int64_t>(authors.values().begin() + 3, authors.values().begin() + 8),
            (std::vector<int64_t>{903, kNoAuthor, 901, 901, kNoAuthor}));
}

TEST_F(KuaiRandTest, RequestsBeforeTheEndOfWatchSeqGoWithoutIt) {
  write("user_history.csv.zst", "user_id,last_time_ms,watch_seq\n1,1000,13 99 11\n");
  ASSERT_TRUE(import().ok());
  const WholeLog whole = read_whole_log(logs_);
  const auto& videos = whole.features[0].user_features.get<int64_t>("history_video_id");
  EXPECT_EQ(videos.offsets(), (std::vector<int32_t>{0, 0, 0, 5, 11}));
}

TEST_F(KuaiRandTest, TheNewestFiftyStay) {
  std::string rows = kHeader;
  for (int i = 0; i < 60; ++i) {
    rows += "1," + std::to_string(200 + i) + "," + std::to_string(i) + ",1,0,0,0,0,1,1,1,val\n";
  }
  write("impressions.csv.zst", rows);
  ASSERT_TRUE(import().ok());
  const WholeLog whole = read_whole_log(logs_);
  const auto& videos = whole.features[0].user_features.get<int64_t>("history_video_id");
  EXPECT_EQ(videos.length(48), 50);
  EXPECT_EQ(videos.row(48)[0], 99);  // of watch_seq the newest two are left
  EXPECT_EQ(videos.length(59), 50);
  EXPECT_EQ(videos.row(59).front(), 209);
  EXPECT_EQ(videos.row(59).back(), 258);
}

TEST_F(KuaiRandTest, FeedbackBecomesEvents) {
  const KuaiRandCounts counts = import().value();
  EXPECT_EQ(counts.clicks, 2);
  EXPECT_EQ(counts.events, 6);
  const WholeLog whole = read_whole_log(logs_);
  ASSERT_EQ(whole.events.size(), 1u);
  const EventRecords& e = whole.events[0];
  EXPECT_EQ(e.action,
            (std::vector<std::string>{"click", "watch", "click", "long_view", "like", "watch"}));
  EXPECT_EQ(e.item_id, (std::vector<int64_t>{11, 11, 13, 13, 13, 13}));
  EXPECT_EQ(e.request_id, (std::vector<int64_t>{0, 0, 2, 2, 2, 2}));
  EXPECT_EQ(e.time_us[0], 1'500'000);  // played for half a second
  EXPECT_TRUE(std::isnan(e.value[0]));
  EXPECT_EQ(e.value[5], 9);
}

TEST_F(KuaiRandTest, RowsThatCannotBeReadAreCounted) {
  write("impressions.csv.zst", std::string(kHeader) + kRows +
                                   "x,11,1000,1,1,0,0,500,20000,901,7,val\n"
                                   "3,11,99999999999999999,1,1,0,0,500,20000,901,7,val\n"
                                   "3,11,1000,1,2,0,0,500,20000,901,7,val\n"
                                   "3,11,1000,1,1,0,0,500,20000,901,\"7,\",val\n"
                                   "3,11,1000,1\n");
  write("user_history.csv.zst",
        "user_id,last_time_ms,watch_seq\n1,-9,13 99 11\n1,1,5\n2,1,a\n3,,5\n");
  const KuaiRandCounts counts = import().value();
  EXPECT_EQ(counts.requests, 4);
  EXPECT_EQ(counts.skipped, (PutAside{{"unreadable user_id", 1},
                                      {"unreadable time_ms", 1},
                                      {"unreadable is_click", 1},
                                      {"unreadable tag", 1},
                                      {"wrong number of fields", 1},
                                      {"history: user is there twice", 1},
                                      {"history: unreadable watch_seq", 1},
                                      {"history: unreadable last_time_ms", 1}}));
}

TEST_F(KuaiRandTest, MissingColumnFileOrHalf) {
  write("user_history.csv.zst", "user_id,last_time_ms,videos\n1,2,3\n");
  const Status column = import().status();
  EXPECT_EQ(column.code(), StatusCode::kSchema);
  EXPECT_NE(column.message().find("user_history.csv.zst"), std::string::npos);
  EXPECT_NE(column.message().find("watch_seq"), std::string::npos) << column.message();
  fs::resize_file(data_ + "/impressions.csv.zst", 40);
  const Status half = import().status();
  EXPECT_EQ(half.code(), StatusCode::kIoError);
  EXPECT_NE(half.message().find("impressions.csv.zst"), std::string::npos) << half.message();
  fs::remove(data_ + "/impressions.csv.zst");
  EXPECT_EQ(import().status().code(), StatusCode::kNotFound);
  EXPECT_FALSE(path_exists(logs_));
}

TEST_F(KuaiRandTest, TheRealFortnight) {
  const std::string data = std::string(ONEFOLD_SHARED_DATA) + "/kuairand_pure";
  if (!path_exists(data)) GTEST_SKIP() << "no KuaiRand at " << data;
  const KuaiRandCounts counts = import_kuairand(data, logs_).value();
  EXPECT_TRUE(counts.skipped.empty());
  EXPECT_EQ(counts.users, 25'156);
  EXPECT_EQ(counts.candidates + counts.duplicates, 228'329);
  EXPECT_EQ(counts.duplicates, 5'885);
  EXPECT_EQ(counts.requests, 220'762);
  EXPECT_EQ(counts.clicks, 100'007);
  EXPECT_EQ(counts.events, 374'561);
  const WholeLog whole = read_whole_log(logs_);
  EXPECT_EQ(whole.num_events(), counts.events);
  std::set<int64_t> sessions, requests;
  for (const FeatureRecords& block : whole.features) {
    sessions.insert(block.session_id.begin(), block.session_id.end());
    requests.insert(block.request_id.begin(), block.request_id.end());
  }
  EXPECT_EQ(sessions.size(), 189'039u);
  EXPECT_EQ(requests.size(), 220'762u);
}

}  // namespace
}  // namespace onefold
