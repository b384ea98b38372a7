// SPDX-License-Identifier: Apache-2.0
// The upstream model in the loop: timelines on disk, samples in memory. What a user likes is only
// in the timeline.
#include <cmath>
#include <filesystem>
#include <random>

#include <gtest/gtest.h>

#include "onefold/timeline/test_timelines.h"
#include "onefold/train/trainer.h"

namespace onefold {
namespace {

constexpr int64_t kHour = 3'600'000'000, kDay = 24 * kHour;
constexpr int64_t kUsers = 60, kTopics = 6, kItems = 120;

Schema test_schema() {
  return {.features = {{"topic", FeatureKind::kId, FeatureScope::kItem, ""}},
          .labels = {{"click", "click", false}, {"watch", "watch", true}}};
}

// A user likes topic user mod 6; before day 10, 4 in 5 of its events are of that topic.
std::vector<TestRow> timeline_rows() {
  std::mt19937_64 random(5);
  std::vector<TestRow> rows;
  for (int64_t i = 0; i < 80 * kUsers; ++i) {
    const auto user = static_cast<int64_t>(random() % kUsers);
    const int64_t topic =
        random() % 5 > 0 ? user % kTopics : static_cast<int64_t>(random() % kTopics);
    TestRow row{.user = user, .time_us = static_cast<int64_t>(random() % (10 * kDay)), .id = i};
    row.item = static_cast<int64_t>(random() % (kItems / kTopics)) * kTopics + topic;
    row.action = random() % 4 == 0 ? "like" : "view";
    row.watch_time = static_cast<float>(random() % 5);
    rows.push_back(row);
  }
  return rows;
}

// Sessions of one user, several samples at the same time or hours apart.
Batch test_batch(uint64_t seed, int64_t sessions = 20) {
  std::mt19937_64 random(seed);
  Batch batch;
  batch.labels.names = {"click", "watch"};
  JaggedTensor<int64_t> topics;
  for (int64_t session = 0; session < sessions; ++session) {
    const auto user = static_cast<int64_t>(random() % kUsers);
    int64_t time_us = 5 * kDay + static_cast<int64_t>(random() % (4 * kDay));
    for (int64_t sample = 0; sample < 8; ++sample) {
      if (sample % 4 == 0) time_us += kHour;
      const auto topic =
          static_cast<int64_t>(random() % 2 == 0 ? user % kTopics : random() % kTopics);
      batch.session_id.push_back(session);
      batch.user_id.push_back(user);
      batch.request_id.push_back(session * 2 + sample / 4);
      batch.item_id.push_back(topic);
      batch.time_us.push_back(time_us);
      topics.push_row(std::vector<int64_t>{topic});
      const bool click = random() % 100 < (topic == user % kTopics ? 88 : 12);
      batch.labels.values.push_back(click ? 1.f : 0.f);
      batch.labels.values.push_back(click ? 20.f : 0.f);
    }
  }
  batch.features = KeyedJaggedTensor(batch.num_samples());
  batch.features.add("topic", std::move(topics));
  return batch;
}

class UpstreamTrainerTest : public testing::Test {
 protected:
  void SetUp() override {
    directory_ = fresh_directory("data");
    write_csv(directory_ + "/events.csv", timeline_rows());
    const auto built =
        build_timelines(directory_ + "/timelines", {directory_ + "/events.csv"}, test_mapping());
    ASSERT_TRUE(built.ok()) << built.status().message();
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  TrainConfig config(EncoderType encoder = EncoderType::kFsa) const {
    TrainConfig config;
    config.model.dim = 8;
    config.model.labels = {"click"};
    config.model.mse_labels = {"watch"};
    config.model.top = {16};
    config.model.tables = {{"topic", kTopics}};
    config.model.features = {{.name = "topic", .table = "topic", .hash = false}};
    UpstreamConfig& upstream = config.model.upstream.emplace();
    upstream.timelines = directory_ + "/timelines";
    upstream.slice_set = test_slices();
    upstream.dim = 8;
    upstream.table_rows = {.item = 1000, .author = 10, .topic = 10};
    upstream.encoder = {.type = encoder, .tokens = 4, .layers = 1};
    upstream.outputs = 2;
    config.loop = {.epochs = 1000,
                   .max_steps = 150,
                   .learning_rate = 0.003,
                   .table_learning_rate = 0.1,
                   .threads = 1};
    return config;
  }

  static std::vector<Batch> batches(int64_t count, uint64_t seed) {
    std::vector<Batch> all;
    for (int64_t i = 0; i < count; ++i) all.push_back(test_batch(seed + static_cast<uint64_t>(i)));
    return all;
  }

  static std::unique_ptr<Trainer> trainer(const TrainConfig& config) {
    auto made =
        Trainer::create(config, test_schema(), std::make_unique<MemorySource>(batches(50, 1)),
                        std::make_unique<MemorySource>(batches(10, 1000)));
    EXPECT_TRUE(made.ok()) << made.status().message();
    return std::move(*made);
  }

  std::string directory_;
};

// 0.88 against 0.12: a perfect model has NE 0.53.
TEST_F(UpstreamTrainerTest, LearnsWhatOnlyTheTimelineShows) {
  TrainConfig without = config();
  without.model.upstream.reset();
  const auto blind = trainer(without)->run().value();
  EXPECT_GT(blind.evals.back().labels[0].normalized_entropy, 0.95);
  EXPECT_GT(blind.evals.back().labels[1].normalized_mse, 0.95);
  const auto result = trainer(config())->run().value();
  const LabelMetrics &click = result.evals.back().labels[0], &watch = result.evals.back().labels[1];
  EXPECT_LT(click.normalized_entropy, 0.75);
  EXPECT_TRUE(watch.is_value);
  EXPECT_LT(watch.normalized_mse, 0.8);
}

// Windows on shared events, against every sample's own copy of its timeline.
TEST_F(UpstreamTrainerTest, WindowsAndMaterialisedTimelinesHaveTheSameLoss) {
  TrainConfig shared = config();
  shared.loop.max_steps = 40;
  TrainConfig copied = shared;
  copied.loop.dedup = false;
  const auto a = trainer(shared)->run().value(), b = trainer(copied)->run().value();
  ASSERT_EQ(a.losses.size(), 40u);
  for (size_t i = 0; i < a.losses.size(); ++i) {
    EXPECT_NEAR(a.losses[i] / b.losses[i], 1, 1e-5) << "step " << i;
  }
  EXPECT_NEAR(a.evals.back().labels[0].normalized_entropy,
              b.evals.back().labels[0].normalized_entropy, 1e-4);
}

// Events inside the gap are never read: changing them changes nothing, bit for bit.
TEST_F(UpstreamTrainerTest, NothingInsideTheGapIsRead) {
  Batch batch = test_batch(3);
  batch.time_us.assign(batch.num_samples(), 6 * kDay);
  std::vector<TestRow> rows = timeline_rows();
  for (TestRow& row : rows) {
    if (row.time_us >= 5 * kDay) row.item = kItems - 1 - row.item;
  }
  write_csv(directory_ + "/other.csv", rows);
  ASSERT_TRUE(
      build_timelines(directory_ + "/other", {directory_ + "/other.csv"}, test_mapping()).ok());
  TrainConfig config = this->config();
  TrainConfig other = config;
  other.model.upstream->timelines = directory_ + "/other";
  EXPECT_EQ(trainer(config)->step(batch).value(), trainer(other)->step(batch).value());
  // With half the gap they are.
  config.model.upstream->gap_us = other.model.upstream->gap_us = 12 * kHour;
  EXPECT_NE(trainer(config)->step(batch).value(), trainer(other)->step(batch).value());
}

TEST_F(UpstreamTrainerTest, ResumesBitForBit) {
  TrainConfig whole = config();
  whole.loop.max_steps = 20;
  const auto expected = trainer(whole)->run().value();
  TrainConfig parts = whole;
  parts.checkpoint.directory = directory_ + "/checkpoints";
  parts.loop.max_steps = 12;
  ASSERT_TRUE(trainer(parts)->run().ok());
  parts.loop.max_steps = 20;
  const auto second = trainer(parts);
  ASSERT_TRUE(second->resume().ok());
  const auto rest = second->run().value();
  EXPECT_EQ(rest.losses, std::vector<double>(expected.losses.begin() + 12, expected.losses.end()));
}

TEST_F(UpstreamTrainerTest, SaysWhatIsMissing) {
  TrainConfig bad = config();
  bad.model.upstream->timelines = directory_ + "/nothing";
  auto open = [&] {
    return Trainer::create(bad, test_schema(), std::make_unique<MemorySource>(batches(1, 1)),
                           nullptr)
        .status();
  };
  EXPECT_EQ(open().code(), StatusCode::kNotFound);
  bad = config();
  bad.model.mse_labels = {"dwell"};
  EXPECT_NE(open().message().find("no label 'dwell'"), std::string::npos) << open().message();
  bad = config();
  bad.model.upstream->dim = 0;
  EXPECT_NE(open().message().find("[upstream] dim is 0"), std::string::npos) << open().message();
}

}  // namespace
}  // namespace onefold
