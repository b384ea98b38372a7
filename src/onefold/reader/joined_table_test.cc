// SPDX-License-Identifier: Apache-2.0
// [data] embeddings: reading with a store gives the batches of a table that was built with it.
#include "onefold/reader/joined_table.h"

#include <filesystem>

#include <gtest/gtest.h>
#include <unistd.h>

#include "onefold/build/build.h"
#include "onefold/embedding_store/embedding_store.h"
#include "onefold/embedding_store/test_store.h"
#include "onefold/log/synth.h"
#include "onefold/reader/batch_reader.h"

namespace onefold {
namespace {

namespace fs = std::filesystem;

class JoinedTableTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    root_ = fs::path(testing::TempDir()) / ("onefold_joined_" + std::to_string(getpid()));
    fs::remove_all(root_);
    fs::create_directories(root_);
    SynthOptions synth;
    synth.users = 60;
    synth.sessions_per_user = 3;
    EXPECT_TRUE(synthesize(path("log"), synth).ok());
    BuildOptions options;
    options.cluster.row_group_samples = 200;
    EXPECT_TRUE(build_table(path("log"), path("plain_of_it"), options).ok());
    write_store(path("store"));
    options.embeddings = path("store");
    const auto stats = build_table(path("log"), path("built"), options);
    EXPECT_TRUE(stats.ok()) << stats.status().message();
    EXPECT_GT(stats->embeddings->before_first, 0);
    EXPECT_GT(stats->embeddings->unknown_users, 0);
  }
  static void TearDownTestSuite() { fs::remove_all(root_); }

  static std::string path(const std::string& name) { return (root_ / name).string(); }

  // Two versions of half of the users, live from a quarter and from half of the log's time on.
  static void write_store(const std::string& directory) {
    auto reader = TableReader::open(path("plain_of_it")).value();
    std::set<int64_t> users;
    int64_t first = INT64_MAX, last = INT64_MIN;
    for (const RowGroupRef& row_group : reader->row_groups()) {
      const Batch batch = reader->read(row_group).value();
      for (int64_t i = 0; i < batch.num_samples(); ++i) {
        if (batch.user_id[i] % 4 != 0) users.insert(batch.user_id[i]);
        first = std::min(first, batch.time_us[i]);
        last = std::max(last, batch.time_us[i]);
      }
    }
    EmbeddingStore store = EmbeddingStore::open_or_create(directory).value();
    EXPECT_TRUE(
        store.publish(write_test_version(store, users, 1), first + (last - first) / 4).ok());
    EXPECT_TRUE(
        store.publish(write_test_version(store, users, 2), first + (last - first) / 2).ok());
  }

  static std::vector<Batch> epoch(BatchReader& reader) {
    std::vector<Batch> batches;
    while (auto batch = reader.next().value()) batches.push_back(std::move(*batch));
    return batches;
  }

  static inline fs::path root_;
};

TEST_F(JoinedTableTest, EqualsATableBuiltWithTheStore) {
  for (const bool fold : {true, false}) {
    for (const int64_t cache_bytes : {0, 1 << 20}) {
      for (const int read_threads : {1, 3}) {
        BatchReaderOptions options{
            .batch_size = 128, .fold = fold, .seed = 3, .read_threads = read_threads};
        auto built = BatchReader::open(path("built"), options).value();
        options.embeddings = path("store");
        options.embedding_cache_bytes = cache_bytes;
        auto joined = BatchReader::open(path("plain_of_it"), options).value();
        EXPECT_EQ(joined->schema(), built->schema());
        const std::vector<Batch> expected = epoch(*built);
        ASSERT_GT(expected.size(), 3u);
        EXPECT_NE(expected[0].find_group(kUserEmbedding), nullptr);
        EXPECT_EQ(epoch(*joined), expected);
        EXPECT_EQ(epoch(*joined), epoch(*built)) << "the second epoch";
      }
    }
  }
}

TEST_F(JoinedTableTest, RanksHoldoutsAndResumingAreAsBefore) {
  for (const int rank : {0, 1}) {
    BatchReaderOptions options{.batch_size = 64, .rank = rank, .world_size = 2, .holdout_end = 0.3};
    auto built = BatchReader::open(path("built"), options).value();
    options.embeddings = path("store");
    auto joined = BatchReader::open(path("plain_of_it"), options).value();
    const std::vector<Batch> expected = epoch(*built);
    EXPECT_EQ(epoch(*joined), expected);
    for (size_t done = 0; done <= expected.size(); ++done) {
      ASSERT_TRUE(joined->restore({0, static_cast<int64_t>(done)}).ok());
      EXPECT_EQ(epoch(*joined), std::vector<Batch>(expected.begin() + done, expected.end()));
    }
  }
}

TEST_F(JoinedTableTest, OnlyTheColumnsNamed) {
  const Schema schema = TableReader::open(path("built")).value()->schema();
  for (const std::vector<std::string>& columns :
       {std::vector<std::string>{kUserEmbeddingWords, schema.labels.front().name},
        {schema.labels.front().name}}) {
    BatchReaderOptions options{.columns = columns, .batch_size = 128};
    auto built = BatchReader::open(path("built"), options).value();
    options.embeddings = path("store");
    auto joined = BatchReader::open(path("plain_of_it"), options).value();
    EXPECT_EQ(joined->schema(), built->schema());
    EXPECT_EQ(epoch(*joined), epoch(*built));
  }
}

TEST_F(JoinedTableTest, NotTwiceAndNotWithoutAStore) {
  const auto twice = BatchReader::open(path("built"), {.embeddings = path("store")});
  EXPECT_EQ(twice.status().code(), StatusCode::kSchema);
  EXPECT_NE(twice.status().message().find("was built with user embeddings"), std::string::npos);
  EXPECT_EQ(BatchReader::open(path("plain_of_it"), {.embeddings = path("absent")}).status().code(),
            StatusCode::kNotFound);
}

}  // namespace
}  // namespace onefold
