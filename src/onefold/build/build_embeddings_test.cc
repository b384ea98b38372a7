// SPDX-License-Identifier: Apache-2.0
// build --embeddings: the words live at each request's time, folded, described in the manifest.
#include <nlohmann/json.hpp>

#include "onefold/build/test_logs.h"
#include "onefold/embedding_store/test_store.h"

namespace onefold {
namespace {

constexpr int64_t kHour = int64_t{3600} * 1000000;

class BuildEmbeddings : public testing::Test {
 protected:
  BuildEmbeddings()
      : log_(test_path("log")), table_(test_path("table")), path_(test_path("store")) {
    write_log(log_,
              {{1, 7, 1, 1 * kHour, {5}, {10, 11, 12}},
               {1, 7, 2, 2 * kHour, {5, 10}, {13, 14}},
               {1, 7, 3, 3 * kHour, {5, 10}, {15}},
               {2, 8, 4, 2 * kHour, {6}, {10, 16}},
               {3, 9, 5, 3 * kHour, {6}, {11}}},
              {{1, 11, 1 * kHour + 1, "click", 0}});
    store_ = EmbeddingStore::open_or_create(path_).value();
  }
  ~BuildEmbeddings() override {
    for (const std::string& path : {log_, table_, path_}) std::filesystem::remove_all(path);
  }

  void publish(const std::string& id, int64_t at_us) { expect_ok(store_->publish(id, at_us)); }

  BuildStats build(TableLayout layout = TableLayout::kFolded) const {
    return expect_ok(build_table(
        log_, table_,
        {.cluster = {.partition = PartitionBy::kNone}, .layout = layout, .embeddings = path_}));
  }

  std::string log_, table_, path_;
  std::optional<EmbeddingStore> store_;
};

TEST_F(BuildEmbeddings, EachRequestHasTheVersionOfItsTime) {
  publish(write_test_version(*store_, {7, 8}, 10), 2 * kHour);
  publish(write_test_version(*store_, {7, 8}, 20), 3 * kHour);
  for (const TableLayout layout : {TableLayout::kFolded, TableLayout::kPlain}) {
    const BuildStats stats = build(layout);
    ASSERT_TRUE(stats.embeddings.has_value());
    EXPECT_EQ(stats.embeddings->samples, 9);
    EXPECT_EQ(stats.embeddings->before_first, 3);   // request 1
    EXPECT_EQ(stats.embeddings->unknown_users, 1);  // user 9
    EXPECT_EQ(to_json(stats)["embeddings"]["before_first"], 3);
    EXPECT_NE(to_text(stats).find("3 samples are older than the first"), std::string::npos);

    const std::vector<Batch> batches = read_table(table_);
    ASSERT_EQ(batches.size(), 1u);
    const FeatureGroup* group = batches[0].find_group(kUserEmbedding);
    ASSERT_NE(group, nullptr);
    EXPECT_EQ(group->features.num_unique(), 4);  // none, (7, v1), (7, v2), (8, v1)
    const KeyedJaggedTensor rows = expand(group->features);
    const auto& words = std::get<JaggedTensor<int64_t>>(rows.column(kUserEmbeddingWords));
    for (int64_t i = 0; i < batches[0].num_samples(); ++i) {
      std::vector<int64_t> expected;
      const int64_t user = batches[0].user_id[i], time = batches[0].time_us[i];
      if (time >= 2 * kHour && user < 9) expected = test_words(user, time < 3 * kHour ? 10 : 20);
      EXPECT_EQ(std::vector<int64_t>(words.row(i).begin(), words.row(i).end()), expected) << i;
    }
  }
}

TEST_F(BuildEmbeddings, TheManifestSaysWhichVersions) {
  publish(write_test_version(*store_, {7, 8}, 10), 1 * kHour);
  publish(write_test_version(*store_, {7, 8}, 20), 3 * kHour);
  publish(write_test_version(*store_, {7, 8}, 30), 4 * kHour);  // after the log
  build();
  const Manifest manifest = expect_ok(read_manifest(table_));
  ASSERT_EQ(manifest.embeddings.size(), 2u);
  EXPECT_EQ(manifest.embeddings[0], (JoinedEmbedding{"v000001", "c0de", "5a5a", "fp32", 2, 4}));
  EXPECT_EQ(manifest.embeddings[1].version, "v000002");
  EXPECT_EQ(manifest.schema.groups().back(), kUserEmbedding);
}

TEST_F(BuildEmbeddings, VersionsOfTwoModelsLeaveTheOldTable) {
  publish(write_test_version(*store_, {7, 8}, 10), 1 * kHour);
  build();
  VersionInfo other = test_version();
  other.model = "beef";
  publish(write_test_version(*store_, {7, 8}, 20, other), 3 * kHour);
  const auto result = build_table(log_, table_, {.embeddings = path_});
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.status().code(), StatusCode::kSchema);
  EXPECT_NE(result.status().message().find("upstream model is 'beef' in one and 'c0de'"),
            std::string::npos)
      << result.status().message();
  EXPECT_EQ(expect_ok(read_manifest(table_)).embeddings.size(), 1u);
}

TEST_F(BuildEmbeddings, WithoutAStore) {
  EXPECT_EQ(build_table(log_, table_, {.embeddings = path_ + "_absent"}).status().code(),
            StatusCode::kNotFound);
  const BuildStats stats = expect_ok(build_table(log_, table_));
  EXPECT_FALSE(stats.embeddings.has_value());
  EXPECT_FALSE(to_json(stats).contains("embeddings"));
  EXPECT_TRUE(expect_ok(read_manifest(table_)).embeddings.empty());
}

}  // namespace
}  // namespace onefold
