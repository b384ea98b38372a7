// SPDX-License-Identifier: Apache-2.0
#include "onefold/embedding_store/embedding_store.h"

#include <filesystem>
#include <fstream>
#include <map>
#include <random>

#include <gtest/gtest.h>
#include <unistd.h>

#include "onefold/base/files.h"
#include "onefold/embedding_store/drift.h"
#include "onefold/embedding_store/version_reader.h"
#include "onefold/embedding_store/version_writer.h"

namespace onefold {
namespace {

namespace fs = std::filesystem;
using Users = std::map<int64_t, std::vector<float>>;

constexpr EmbeddingShape kShape{3, 8};

class EmbeddingStoreTest : public testing::Test {
 protected:
  void SetUp() override {
    directory_ = testing::TempDir() + "/embeddings_" + std::to_string(::getpid()) + "_" +
                 testing::UnitTest::GetInstance()->current_test_info()->name();
    fs::remove_all(directory_);
    store_ = EmbeddingStore::open_or_create(directory_).value();
  }
  void TearDown() override { fs::remove_all(directory_); }

  static VersionInfo description(const std::string& base = "") {
    VersionInfo info;
    info.base = base;
    info.format = EmbeddingFormat::kFp32;
    info.shape = kShape;
    info.slices = "5a5a";
    info.model = "c0de";
    info.timelines_id = "71e5";
    info.timelines_generation = 3;
    info.as_of_us = 1000;
    return info;
  }

  static Users random_users(const std::vector<int64_t>& ids, uint32_t seed) {
    std::mt19937 engine(seed);
    std::normal_distribution<float> normal;
    Users users;
    for (int64_t id : ids) {
      users[id].resize(kShape.num_values());
      for (float& value : users[id]) value = normal(engine);
    }
    return users;
  }

  static std::vector<int64_t> words_of(const std::vector<float>& values) {
    std::vector<int64_t> words(words_per_user(EmbeddingFormat::kFp32, kShape));
    EXPECT_TRUE(quantize(EmbeddingFormat::kFp32, kShape, values, words).ok());
    return words;
  }

  // Adds the users after what is sealed already; stops without finish() after `stop_after` users.
  Result<VersionInfo> write(const VersionInfo& info, const Users& users, int64_t stop_after = -1) {
    ONEFOLD_ASSIGN_OR_RETURN(
        auto writer, VersionWriter::open(*store_, info, {.part_users = 4, .row_group_users = 2}));
    const auto begin =
        writer->resume_after() ? users.upper_bound(*writer->resume_after()) : users.begin();
    for (auto it = begin; it != users.end(); ++it) {
      if (stop_after-- == 0) return io_error("stopped");
      ONEFOLD_RETURN_IF_ERROR(writer->add(it->first, words_of(it->second)));
      ++num_added_;
    }
    return writer->finish();
  }

  Users read_all(const std::string& id) {
    auto reader = VersionReader::open(*store_, id).value();
    Users users;
    int64_t last = INT64_MIN;
    const Status status = reader->scan([&](int64_t user, std::span<const int64_t> words) -> Status {
      EXPECT_GT(user, last);
      last = user;
      users[user].resize(kShape.num_values());
      dequantize(EmbeddingFormat::kFp32, kShape, words, users[user]);
      return {};
    });
    EXPECT_TRUE(status.ok()) << status.message();
    return users;
  }

  std::string directory_;
  std::optional<EmbeddingStore> store_;
  int64_t num_added_ = 0;
};

TEST_F(EmbeddingStoreTest, WritesLooksUpAndScans) {
  const Users users = random_users({-7, 0, 3, 4, 9, 12, 100, 101, 1000}, 1);
  const VersionInfo info = write(description(), users).value();
  EXPECT_EQ(info.id, "v000001");
  EXPECT_EQ(info.num_users(), 9);
  EXPECT_EQ(info.files.size(), 3u);  // parts of 4 users
  EXPECT_EQ(read_all(info.id), users);
  auto reader = VersionReader::open(*store_, info.id).value();
  for (int64_t id = -10; id < 1010; ++id) {
    const auto words = reader->lookup(id).value();
    ASSERT_EQ(words.has_value(), users.count(id) == 1) << id;
    if (words) {
      ASSERT_EQ(*words, words_of(users.at(id)));
    }
  }
}

TEST_F(EmbeddingStoreTest, ChangedUsersLayOverTheirBase) {
  Users expected = random_users({1, 2, 3, 4, 5, 6, 7}, 1);
  const std::string base = write(description(), expected).value().id;
  const Users changed = random_users({0, 3, 7, 9}, 2);  // two changed, two new
  const VersionInfo delta = write(description(base), changed).value();
  EXPECT_EQ(delta.num_users(), 4);
  for (const auto& [id, values] : changed) expected[id] = values;
  EXPECT_EQ(read_all(delta.id), expected);
  auto reader = VersionReader::open(*store_, delta.id).value();
  for (const auto& [id, values] : expected) EXPECT_EQ(reader->lookup(id).value(), words_of(values));
  EXPECT_EQ(reader->lookup(8).value(), std::nullopt);
}

TEST_F(EmbeddingStoreTest, AVersionOfAnotherModelCannotBeABase) {
  const std::string base = write(description(), random_users({1}, 1)).value().id;
  for (auto change :
       {+[](VersionInfo& i) { i.slices = "other"; }, +[](VersionInfo& i) { i.model = "other"; },
        +[](VersionInfo& i) { i.shape.dim = 16; },
        +[](VersionInfo& i) { i.format = EmbeddingFormat::kInt4; }}) {
    VersionInfo info = description(base);
    change(info);
    EXPECT_EQ(VersionWriter::open(*store_, info).status().code(), StatusCode::kSchema);
  }
}

TEST_F(EmbeddingStoreTest, AStoppedRunGoesOnWhereItWas) {
  const Users users = random_users({1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, 3);
  for (int64_t stop_after : {0, 3, 5, 2}) {
    EXPECT_EQ(write(description(), users, stop_after).status().message(), "stopped");
    EXPECT_TRUE(store_->versions().value().empty()) << "half a version must not be visible";
  }
  num_added_ = 0;
  const VersionInfo info = write(description(), users).value();
  // Stops after 0, 3 and 5 users: the third sealed one part of 4; the last run adds the other 6.
  EXPECT_EQ(num_added_, 6);
  EXPECT_EQ(read_all(info.id), users);
  EXPECT_EQ(store_->versions().value(), std::vector<std::string>{"v000001"});
}

TEST_F(EmbeddingStoreTest, ARunOfAnotherModelStartsAfresh) {
  const Users users = random_users({1, 2, 3, 4, 5, 6}, 3);
  EXPECT_FALSE(write(description(), users, 5).ok());
  VersionInfo other = description();
  other.model = "beef";
  num_added_ = 0;
  EXPECT_TRUE(write(other, users).ok());
  EXPECT_EQ(num_added_, 6);
}

TEST_F(EmbeddingStoreTest, HistorySaysWhatWasLiveWhen) {
  const std::string a = write(description(), random_users({1}, 1)).value().id;
  const std::string b = write(description(), random_users({1}, 2)).value().id;
  EXPECT_EQ(store_->live(), std::nullopt);
  ASSERT_TRUE(store_->publish(a, 100).ok());
  ASSERT_TRUE(store_->publish(b, 200).ok());
  ASSERT_TRUE(store_->rollback(300).ok());
  const EmbeddingStore again = EmbeddingStore::open(directory_).value();
  EXPECT_EQ(again.live_at(99), std::nullopt);
  EXPECT_EQ(again.live_at(100), a);
  EXPECT_EQ(again.live_at(199), a);
  EXPECT_EQ(again.live_at(200), b);
  EXPECT_EQ(again.live_at(1000), a);
  EXPECT_EQ(again.live(), a);
  EXPECT_EQ(store_->publish(b, 300).code(), StatusCode::kInvalidArgument);  // not after the newest
  EXPECT_EQ(store_->publish("v000009", 400).code(), StatusCode::kNotFound);
}

TEST_F(EmbeddingStoreTest, RollbackNeedsAnEarlierVersion) {
  EXPECT_EQ(store_->rollback(1).code(), StatusCode::kInvalidArgument);
  const std::string a = write(description(), random_users({1}, 1)).value().id;
  ASSERT_TRUE(store_->publish(a, 100).ok());
  EXPECT_EQ(store_->rollback(200).code(), StatusCode::kInvalidArgument);
}

TEST_F(EmbeddingStoreTest, ADamagedVersionIsNotPublished) {
  const VersionInfo info = write(description(), random_users({1, 2, 3}, 1)).value();
  const std::string path = store_->version_directory(info.id) + "/" + info.files[0].path;
  std::string bytes = read_file(path).value();
  bytes[bytes.size() / 2] ^= 1;
  std::ofstream(path, std::ios::binary) << bytes;
  const Status status = store_->publish(info.id, 100);
  EXPECT_EQ(status.code(), StatusCode::kDataLoss);
  EXPECT_NE(status.message().find(path), std::string::npos);
  EXPECT_EQ(EmbeddingStore::open(directory_).value().live(), std::nullopt);
}

TEST_F(EmbeddingStoreTest, RefusesForeignDirectories) {
  EXPECT_EQ(EmbeddingStore::open(directory_ + "/nothing").status().code(), StatusCode::kNotFound);
  const std::string foreign = directory_ + "/foreign";
  ASSERT_TRUE(make_directories(foreign).ok());
  std::ofstream(foreign + "/notes.txt") << "mine";
  EXPECT_EQ(EmbeddingStore::open_or_create(foreign).status().code(), StatusCode::kInvalidArgument);
}

TEST_F(EmbeddingStoreTest, AKilledCreationCanBeMadeGood) {
  const std::string killed = directory_ + "/killed";
  ASSERT_TRUE(make_directories(killed).ok());
  std::ofstream(killed + "/_store.json.tmp") << "{";
  EXPECT_EQ(EmbeddingStore::open(killed).status().code(), StatusCode::kNotFound);
  ASSERT_TRUE(EmbeddingStore::open_or_create(killed).ok());
  EXPECT_TRUE(EmbeddingStore::open(killed).value().versions().value().empty());
}

TEST_F(EmbeddingStoreTest, DriftOfKnownVectors) {
  // Three users: unchanged (cosine 1), turned round (-1), zero against zero (1); one left, one new.
  const std::vector<float> ones(kShape.num_values(), 1.0f), zeros(kShape.num_values(), 0.0f);
  std::vector<float> minus_twos(kShape.num_values(), -2.0f);
  const Users before = {{1, ones}, {2, ones}, {3, zeros}, {4, ones}};
  const Users after = {{1, ones}, {2, minus_twos}, {3, zeros}, {5, ones}};
  auto previous = VersionReader::open(*store_, write(description(), before).value().id).value();
  auto version = VersionReader::open(*store_, write(description(), after).value().id).value();
  const DriftReport report = measure_drift(*version, *previous).value();
  EXPECT_EQ(report.users, 4);
  EXPECT_EQ(report.previous_users, 4);
  EXPECT_EQ(report.common_users, 3);
  EXPECT_DOUBLE_EQ(report.coverage, 0.75);
  EXPECT_NEAR(report.mean_cosine, 1.0 / 3, 1e-6);
  EXPECT_NEAR(report.min_cosine, -1.0, 1e-6);
  const double norm = std::sqrt(24.0);  // of 24 ones
  EXPECT_NEAR(report.previous_mean_norm, 2 * norm / 3, 1e-6);
  EXPECT_NEAR(report.mean_norm, 3 * norm / 3, 1e-6);

  EXPECT_TRUE(check_drift(report, {.min_coverage = 0.7, .min_mean_cosine = 0.3}).ok());
  EXPECT_EQ(check_drift(report, {.min_coverage = 0.8, .min_mean_cosine = 0.3}).code(),
            StatusCode::kDataLoss);
  EXPECT_EQ(check_drift(report, {.min_coverage = 0.7, .min_mean_cosine = 0.4}).code(),
            StatusCode::kDataLoss);
  EXPECT_EQ(
      check_drift(report, {.min_coverage = 0.7, .min_mean_cosine = 0.3, .max_norm_ratio = 1.4})
          .code(),
      StatusCode::kDataLoss);
}

}  // namespace
}  // namespace onefold
