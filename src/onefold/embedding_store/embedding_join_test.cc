// SPDX-License-Identifier: Apache-2.0
#include "onefold/embedding_store/embedding_join.h"

#include <random>

#include <gtest/gtest.h>
#include <unistd.h>

#include "onefold/embedding_store/test_store.h"
#include "onefold/jagged/fold.h"

namespace onefold {
namespace {

class EmbeddingJoinTest : public testing::Test {
 protected:
  void SetUp() override {
    directory_ = testing::TempDir() + "/join_" + std::to_string(::getpid()) + "_" +
                 testing::UnitTest::GetInstance()->current_test_info()->name();
    std::filesystem::remove_all(directory_);
    store_ = EmbeddingStore::open_or_create(directory_).value();
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  void publish(const std::string& id, int64_t at_us) {
    const Status status = store_->publish(id, at_us);
    ASSERT_TRUE(status.ok()) << status.message();
  }

  using Rows = std::vector<std::vector<int64_t>>;
  // One row per sample.
  static Rows join(EmbeddingJoin& join, const std::vector<int64_t>& users,
                   const std::vector<int64_t>& times) {
    const auto joined = join.join(users, times).value();
    EXPECT_EQ(joined, fold(expand(joined))) << "not folded as fold() would";
    const KeyedJaggedTensor all = expand(joined);
    const auto& column = std::get<JaggedTensor<int64_t>>(all.column(kUserEmbeddingWords));
    Rows rows;
    for (int64_t i = 0; i < column.num_rows(); ++i) {
      rows.emplace_back(column.row(i).begin(), column.row(i).end());
    }
    return rows;
  }

  std::string directory_;
  std::optional<EmbeddingStore> store_;
};

// A later version, a rollback and a version that was never published: none reaches a sample
// before its time.
TEST_F(EmbeddingJoinTest, EachSampleGetsWhatWasLiveAtItsTime) {
  publish(write_test_version(*store_, {1, 2, 3, 4, 5}, 10), 100);
  const std::string second = write_test_version(*store_, {1, 2, 3, 4, 5, 6}, 20);
  publish(second, 200);
  write_test_version(*store_, {1, 2, 3}, 30);  // generated, not published
  ASSERT_TRUE(store_->rollback(300).ok());
  publish(second, 400);
  auto joined = EmbeddingJoin::open(directory_).value();
  const Rows rows = join(*joined, {1, 1, 1, 1, 1, 1, 1, 6, 6, 9},
                         {99, 100, 199, 200, 299, 300, 400, 199, 200, 250});
  EXPECT_EQ(rows, (Rows{{},
                        test_words(1, 10),
                        test_words(1, 10),
                        test_words(1, 20),
                        test_words(1, 20),
                        test_words(1, 10),
                        test_words(1, 20),
                        {},
                        test_words(6, 20),
                        {}}));
  EXPECT_EQ(joined->counts().samples, 10);
  EXPECT_EQ(joined->counts().before_first, 1);
  EXPECT_EQ(joined->counts().unknown_users, 2);
  ASSERT_EQ(joined->versions().size(), 2u);
  EXPECT_EQ(joined->versions()[0], (JoinedEmbedding{"v000001", "c0de", "5a5a", "fp32",
                                                    kTestShape.tokens, kTestShape.dim}));
}

// What is published after the samples, were it of another model, changes nothing.
TEST_F(EmbeddingJoinTest, WhatIsPublishedLaterChangesNothing) {
  publish(write_test_version(*store_, {1, 2}, 10), 100);
  const std::vector<int64_t> users = {1, 2, 1}, times = {100, 150, 180};
  const EmbeddingJoinOptions interval{.from_us = 100, .to_us = 180};
  const Rows before = join(*EmbeddingJoin::open(directory_, interval).value(), users, times);
  VersionInfo other = test_version();
  other.model = "beef";
  publish(write_test_version(*store_, {1, 2}, 20, other), 181);
  auto again = EmbeddingJoin::open(directory_, interval).value();
  EXPECT_EQ(join(*again, users, times), before);
  EXPECT_EQ(again->versions().size(), 1u);
}

TEST_F(EmbeddingJoinTest, VersionsOfDifferentModelsAreNotMixed) {
  publish(write_test_version(*store_, {1}, 10), 100);
  for (auto change :
       {+[](VersionInfo& i) { i.slices = "other"; }, +[](VersionInfo& i) { i.model = "other"; },
        +[](VersionInfo& i) { i.shape.dim = 16; },
        +[](VersionInfo& i) { i.format = EmbeddingFormat::kInt4; }}) {
    VersionInfo info = test_version();
    change(info);
    publish(write_test_version(*store_, {1}, 20, info), store_->history().back().from_us + 100);
    const auto mixed = EmbeddingJoin::open(
        directory_, {.from_us = 150, .to_us = store_->history().back().from_us});
    ASSERT_FALSE(mixed.ok());
    EXPECT_EQ(mixed.status().code(), StatusCode::kSchema);
    EXPECT_NE(mixed.status().message().find("cannot be mixed"), std::string::npos);
  }
  EXPECT_TRUE(EmbeddingJoin::open(directory_, {.from_us = 0, .to_us = 199}).ok());
}

TEST_F(EmbeddingJoinTest, AUserThatANewVersionLeftAloneIsOneRow) {
  const std::string base = write_test_version(*store_, {1, 2, 3}, 10);
  publish(base, 100);
  publish(write_test_version(*store_, {2}, 20, test_version(base)), 200);
  auto joined = EmbeddingJoin::open(directory_).value();
  const std::vector<int64_t> users = {1, 2, 1, 2}, times = {100, 100, 200, 200};
  EXPECT_EQ(join(*joined, users, times),
            (Rows{test_words(1, 10), test_words(2, 10), test_words(1, 10), test_words(2, 20)}));
  EXPECT_EQ(joined->join(users, times).value().num_unique(), 3);
}

// The budget decides how often a row group is decoded, not what comes out.
TEST_F(EmbeddingJoinTest, RandomSamplesWithLittleAndMuchCache) {
  std::set<int64_t> all;
  for (int64_t user = 0; user < 40; ++user) all.insert(user);
  const std::string base = write_test_version(*store_, all, 10);
  publish(base, 100);
  publish(write_test_version(*store_, {3, 17, 18, 90}, 20, test_version(base)), 200);
  std::mt19937_64 random(1);
  std::vector<int64_t> users, times;
  Rows expected;
  for (int i = 0; i < 500; ++i) {
    users.push_back(static_cast<int64_t>(random() % 50));
    times.push_back(static_cast<int64_t>(50 + random() % 200));
    const bool second = times.back() >= 200;
    const bool changed = users.back() == 3 || users.back() == 17 || users.back() == 18;
    const bool known = times.back() >= 100 && users.back() < 40;
    expected.push_back(known ? test_words(users.back(), second && changed ? 20 : 10)
                             : std::vector<int64_t>());
  }
  for (const int64_t cache_bytes : {0, 300, 1 << 20}) {
    auto joined = EmbeddingJoin::open(directory_, {.cache_bytes = cache_bytes}).value();
    EXPECT_EQ(join(*joined, users, times), expected) << cache_bytes;
  }
}

TEST_F(EmbeddingJoinTest, NothingPublishedAndNoStore) {
  EXPECT_EQ(EmbeddingJoin::open(directory_ + "/absent").status().code(), StatusCode::kNotFound);
  write_test_version(*store_, {1}, 10);
  const Status status = EmbeddingJoin::open(directory_).status();
  EXPECT_EQ(status.code(), StatusCode::kNotFound);
  EXPECT_NE(status.message().find("onefold embed publish"), std::string::npos);
}

TEST_F(EmbeddingJoinTest, SamplesOlderThanTheStoreHaveEmptyRows) {
  publish(write_test_version(*store_, {1}, 10), 100);
  auto joined = EmbeddingJoin::open(directory_, {.from_us = 1, .to_us = 50}).value();
  EXPECT_EQ(join(*joined, {1, 1}, {1, 50}), (Rows{{}, {}}));
  EXPECT_EQ(joined->counts().before_first, 2);
  EXPECT_EQ(joined->versions().size(), 1u);
  EXPECT_EQ(joined->join({}, {}).value().num_samples(), 0);
}

TEST(WithUserEmbedding, TheNameIsTakenOnce) {
  const Schema once = with_user_embedding({}).value();
  EXPECT_EQ(once.groups(), std::vector<std::string>{kUserEmbedding});
  EXPECT_EQ(with_user_embedding(once).status().code(), StatusCode::kSchema);
}

}  // namespace
}  // namespace onefold
