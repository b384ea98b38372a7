// SPDX-License-Identifier: Apache-2.0
#include "onefold/embed/generate.h"

#include <cmath>
#include <filesystem>
#include <map>

#include <gtest/gtest.h>

#include "onefold/embed/user_embedder.h"
#include "onefold/embedding_store/embedding_store.h"
#include "onefold/embedding_store/version_reader.h"
#include "onefold/timeline/test_timelines.h"
#include "onefold/train/trainer.h"

namespace onefold {
namespace {

using Users = std::map<int64_t, std::vector<int64_t>>;
constexpr int64_t kDay = 86'400'000'000;

class GenerateTest : public testing::Test {
 protected:
  void SetUp() override {
    directory_ = fresh_directory("data");
    rows_ = random_rows(/*seed=*/3, /*count=*/3000, /*users=*/40, 0, 8 * kDay);
    build("timelines", rows_);
    write_checkpoint(1);
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  void build(const std::string& name, const std::vector<TestRow>& rows) {
    write_csv(directory_ + "/" + name + ".csv", rows);
    const auto built = build_timelines(directory_ + "/" + name, {directory_ + "/" + name + ".csv"},
                                       test_mapping());
    ASSERT_TRUE(built.ok()) << built.status().message();
  }

  // A checkpoint of an untrained model: what it embeds does not matter here.
  void write_checkpoint(uint64_t seed) {
    const Schema schema{.features = {{"topic", FeatureKind::kId, FeatureScope::kItem, ""}},
                        .labels = {{"click", "click", false}}};
    TrainConfig config;
    config.model.dim = 8;
    config.model.tables = {{"topic", 10}};
    config.model.features = {{.name = "topic", .table = "topic"}};
    UpstreamConfig& upstream = config.model.upstream.emplace();
    upstream.timelines = directory_ + "/timelines";
    upstream.slice_set = test_slices();
    upstream.dim = 16;
    upstream.table_rows = {.item = 100, .author = 10, .topic = 10};
    upstream.encoder = {.tokens = 4, .layers = 1};
    config.loop.epochs = 0;
    config.loop.seed = seed;
    config.checkpoint.directory = directory_ + "/checkpoints" + std::to_string(seed);
    auto trainer = Trainer::create(config, schema,
                                   std::make_unique<MemorySource>(std::vector<Batch>()), nullptr)
                       .value();
    ASSERT_TRUE(trainer->run().ok());
  }

  GenerateOptions options(const std::string& store = "store") const {
    GenerateOptions options;
    options.checkpoint = directory_ + "/checkpoints1";
    options.timelines = directory_ + "/timelines";
    options.store = directory_ + "/" + store;
    options.threads = 1;  // batches are too small to share
    options.format = EmbeddingFormat::kFp32;
    return options;
  }

  Users users_of(const std::string& store, const std::string& id) const {
    const auto open = EmbeddingStore::open(directory_ + "/" + store).value();
    auto reader = VersionReader::open(open, id).value();
    Users users;
    EXPECT_TRUE(reader
                    ->scan([&](int64_t user, std::span<const int64_t> words) {
                      users[user].assign(words.begin(), words.end());
                      return Status();
                    })
                    .ok());
    return users;
  }

  std::string directory_;
  std::vector<TestRow> rows_;
};

TEST_F(GenerateTest, BatchesDoNotMatter) {
  const GenerateReport all = generate_embeddings(options()).value();
  EXPECT_EQ(all.version.id, "v000001");
  EXPECT_EQ(all.users, 40);
  GenerateOptions small = options("small");
  small.batch_users = 3;
  small.part_users = 7;
  int64_t last = 0;
  small.on_progress = [&](const GenerateProgress& progress) {
    EXPECT_GT(progress.users, last);
    EXPECT_EQ(progress.total_users, 40);
    last = progress.users;
  };
  ASSERT_TRUE(generate_embeddings(small).ok());
  EXPECT_EQ(last, 40);
  const Users a = users_of("store", "v000001"), b = users_of("small", "v000001");
  ASSERT_EQ(a.size(), b.size());
  for (const auto& [user, words] : a) {
    std::vector<float> x(64), y(64);
    dequantize(EmbeddingFormat::kFp32, {4, 16}, words, x);
    dequantize(EmbeddingFormat::kFp32, {4, 16}, b.at(user), y);
    for (int i = 0; i < 64; ++i) EXPECT_NEAR(x[i], y[i], 1e-5) << "user " << user;
  }
}

TEST_F(GenerateTest, EventsAtOrAfterAsOfAreNotUsed) {
  std::vector<TestRow> early;
  for (const TestRow& row : rows_) {
    if (row.time_us < 4 * kDay) early.push_back(row);
  }
  build("early", early);
  GenerateOptions until = options();
  until.as_of_us = 4 * kDay;
  ASSERT_TRUE(generate_embeddings(until).ok());
  GenerateOptions only = options("only");
  only.timelines = directory_ + "/early";
  only.as_of_us = 4 * kDay;
  ASSERT_TRUE(generate_embeddings(only).ok());
  EXPECT_EQ(users_of("store", "v000001"), users_of("only", "v000001"));
  // Nobody has an event before the first.
  GenerateOptions none = options("none");
  none.as_of_us = 0;
  const GenerateReport report = generate_embeddings(none).value();
  EXPECT_EQ(report.users, 0);
  EXPECT_EQ(report.without_events, 40);
}

TEST_F(GenerateTest, OnlyChangedUsersOverTheBase) {
  ASSERT_TRUE(generate_embeddings(options()).ok());
  std::vector<TestRow> more =
      random_rows(/*seed=*/9, /*count=*/50, /*users=*/3, 8 * kDay, 9 * kDay);
  for (TestRow& row : more) row.id += 1'000'000;
  write_csv(directory_ + "/more.csv", more);
  ASSERT_TRUE(append_timelines(directory_ + "/timelines", {directory_ + "/more.csv"}).ok());

  GenerateOptions delta = options();
  delta.changed_since = "v000001";
  const GenerateReport report = generate_embeddings(delta).value();
  EXPECT_EQ(report.version.base, "v000001");
  EXPECT_EQ(report.users, 3);
  ASSERT_TRUE(generate_embeddings(options("whole")).ok());
  const Users base = users_of("store", "v000001"), now = users_of("store", "v000002"),
              whole = users_of("whole", "v000001");
  ASSERT_EQ(now.size(), whole.size());
  int changed = 0;
  for (const auto& [user, words] : now) {
    const bool is_new = base.at(user) != words;
    changed += is_new;
    if (!is_new) continue;
    std::vector<float> x(64), y(64);
    dequantize(EmbeddingFormat::kFp32, {4, 16}, words, x);
    dequantize(EmbeddingFormat::kFp32, {4, 16}, whole.at(user), y);
    for (int i = 0; i < 64; ++i) EXPECT_NEAR(x[i], y[i], 1e-5);
  }
  EXPECT_EQ(changed, 3);

  // Another model's vectors are not mixed in.
  write_checkpoint(2);
  delta.checkpoint = directory_ + "/checkpoints2";
  EXPECT_EQ(generate_embeddings(delta).status().code(), StatusCode::kSchema);
}

TEST_F(GenerateTest, RebuiltTimelinesChangeEverybody) {
  ASSERT_TRUE(generate_embeddings(options()).ok());
  build("timelines", rows_);
  GenerateOptions delta = options();
  delta.changed_since = "v000001";
  const Status refused = generate_embeddings(delta).status();
  EXPECT_EQ(refused.code(), StatusCode::kNotFound);
  EXPECT_NE(refused.message().find("--changed-since"), std::string::npos) << refused.message();
}

TEST_F(GenerateTest, QuantisationErrorIsMeasured) {
  GenerateOptions exact = options(), four = options("four");
  four.format = EmbeddingFormat::kInt4;
  EXPECT_EQ(generate_embeddings(exact).value().version.quantization_rmse, 0);
  const VersionInfo version = generate_embeddings(four).value().version;
  const Users x = users_of("store", "v000001"), y = users_of("four", "v000001");
  double sum = 0;
  for (const auto& [user, words] : x) {
    std::vector<float> a(64), b(64);
    dequantize(EmbeddingFormat::kFp32, {4, 16}, words, a);
    dequantize(EmbeddingFormat::kInt4, {4, 16}, y.at(user), b);
    for (int i = 0; i < 64; ++i) sum += (double{a[i]} - b[i]) * (double{a[i]} - b[i]);
  }
  EXPECT_GT(version.quantization_rmse, 0);
  EXPECT_NEAR(version.quantization_rmse, std::sqrt(sum / (64 * x.size())), 1e-6);
}

TEST_F(GenerateTest, ModelHashCoversWeightsAndSlices) {
  write_checkpoint(2);
  const auto a = UserEmbedder::load(directory_ + "/checkpoints1").value();
  const auto again = UserEmbedder::load(directory_ + "/checkpoints1/step-000000000").value();
  const auto b = UserEmbedder::load(directory_ + "/checkpoints2").value();
  EXPECT_EQ(a->model_hash(), again->model_hash());
  EXPECT_NE(a->model_hash(), b->model_hash());
  EXPECT_EQ(UserEmbedder::load(directory_ + "/nothing").status().code(), StatusCode::kNotFound);
}

}  // namespace
}  // namespace onefold
