// SPDX-License-Identifier: Apache-2.0
// The loop on in-memory batches: folded against unfolded, learning, resuming.
#include "onefold/train/trainer.h"

#include <cmath>
#include <filesystem>

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include "onefold/base/files.h"
#include "onefold/model/planted_batches.h"

namespace onefold {
namespace {

constexpr BlockType kBlocks[] = {BlockType::kPool, BlockType::kDin, BlockType::kTransformer};

std::vector<Batch> batches(int64_t count, uint64_t seed, int64_t sessions = 12) {
  std::vector<Batch> all;
  for (int64_t i = 0; i < count; ++i) {
    all.push_back(planted_batch(seed + static_cast<uint64_t>(i), {.num_sessions = sessions}));
  }
  return all;
}

TrainConfig planted_config(BlockType type) {
  TrainConfig config;
  config.model = planted_model(type);
  config.loop.epochs = 1000;
  config.loop.max_steps = 200;
  config.loop.learning_rate = 0.003;
  config.loop.table_learning_rate = 0.1;
  config.loop.threads = 1;  // these batches are too small to share
  return config;
}

std::unique_ptr<Trainer> make_trainer(const TrainConfig& config, std::vector<Batch> train,
                                      std::vector<Batch> eval = {}) {
  return Trainer::create(config, planted_schema(), std::make_unique<MemorySource>(std::move(train)),
                         eval.empty() ? nullptr : std::make_unique<MemorySource>(std::move(eval)))
      .value();
}

class TrainerTest : public testing::TestWithParam<BlockType> {};
INSTANTIATE_TEST_SUITE_P(Blocks, TrainerTest, testing::ValuesIn(kBlocks),
                         [](const auto& info) { return to_string(info.param); });

// Forward is bit-equal, so the first loss is; then weights differ by the order in which gradients
// are summed. Measured over 200 steps with 12 and with 60 sessions a batch, 22 runs in all: losses
// within 4e-7 of each other with pool and transformer, within 1e-5 with din.
TEST_P(TrainerTest, DedupOnAndOffGiveTheSameRun) {
  TrainConfig config = planted_config(GetParam());
  config.loop.learning_rate = LoopConfig().learning_rate;
  config.loop.table_learning_rate = LoopConfig().table_learning_rate;
  const auto on = make_trainer(config, batches(200, 1), batches(20, 1000));
  config.loop.dedup = false;
  const auto off = make_trainer(config, batches(200, 1), batches(20, 1000));
  const TrainResult a = on->run().value(), b = off->run().value();
  ASSERT_EQ(a.losses.size(), 200u);
  EXPECT_EQ(a.losses.front(), b.losses.front());
  double worst = 0;
  for (size_t i = 0; i < a.losses.size(); ++i) {
    worst = std::max(worst, std::fabs(a.losses[i] / b.losses[i] - 1));
  }
  EXPECT_LT(worst, GetParam() == BlockType::kDin ? 1e-4 : 1e-5);
  RecordProperty("worst_relative_difference", std::to_string(worst * 1e6) + "e-6");
  const LabelMetrics &x = a.evals.back().labels[0], &y = b.evals.back().labels[0];
  EXPECT_NEAR(x.normalized_entropy, y.normalized_entropy, 5e-5);
  EXPECT_NEAR(x.auc, y.auc, 5e-5);
  ASSERT_EQ(a.folds.size(), 2u);
  EXPECT_GT(a.folds[0].row_factor(), 3);
  EXPECT_GT(a.folds[0].value_factor(), 3);
  EXPECT_EQ(b.folds[0].row_factor(), 1);
}

// The rule is 0.88 against 0.12: a perfect model has NE 0.53 and AUC 0.88 on it.
TEST_P(TrainerTest, LearnsThePlantedRule) {
  TrainConfig config = planted_config(GetParam());
  config.loop.max_steps = 400;
  const auto trainer = make_trainer(config, batches(100, 1, 30), batches(20, 1000, 30));
  const LabelMetrics before = trainer->evaluate().value().labels[0];
  const TrainResult result = trainer->run().value();
  const LabelMetrics& after = result.evals.back().labels[0];
  EXPECT_GT(before.normalized_entropy, 0.98);
  EXPECT_LT(after.normalized_entropy, 0.75);
  EXPECT_GT(after.auc, 0.82);
  EXPECT_GT(after.grouped_auc, 0.8);
  EXPECT_GT(after.auc_groups, 50);
}

TEST_P(TrainerTest, SameRunTwiceIsTheSameBitForBit) {
  TrainConfig config = planted_config(GetParam());
  config.loop.threads = 2;
  config.loop.max_steps = 30;
  const auto a = make_trainer(config, batches(7, 1))->run().value();
  const auto b = make_trainer(config, batches(7, 1))->run().value();
  EXPECT_EQ(a.losses, b.losses);
}

class ResumeTest : public TrainerTest {
 protected:
  void SetUp() override {
    directory_ = testing::TempDir() + "onefold_resume_" + to_string(GetParam());
    std::filesystem::remove_all(directory_);
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }
  std::string directory_;
};
INSTANTIATE_TEST_SUITE_P(Blocks, ResumeTest, testing::ValuesIn(kBlocks),
                         [](const auto& info) { return to_string(info.param); });

TEST_P(ResumeTest, LossesAfterResumingAreBitIdentical) {
  TrainConfig config = planted_config(GetParam());
  config.loop.max_steps = 25;
  const TrainResult whole = make_trainer(config, batches(7, 1), batches(3, 1000))->run().value();
  config.checkpoint.directory = directory_;
  config.loop.max_steps = 11;  // in the middle of the second epoch
  make_trainer(config, batches(7, 1))->run().value();
  config.loop.max_steps = 25;
  const auto second = make_trainer(config, batches(7, 1), batches(3, 1000));
  ASSERT_TRUE(second->resume().ok());
  const TrainResult rest = second->run().value();
  EXPECT_EQ(rest.losses, std::vector<double>(whole.losses.begin() + 11, whole.losses.end()));
  EXPECT_EQ(rest.evals.back().labels[0].loss, whole.evals.back().labels[0].loss);
  EXPECT_EQ(rest.evals.back().step, 25);
}

TEST(Trainer, KeepsTheNewestCheckpoints) {
  TrainConfig config = planted_config(BlockType::kPool);
  config.checkpoint = {.directory = testing::TempDir() + "onefold_keep", .every = 4, .keep = 2};
  std::filesystem::remove_all(config.checkpoint.directory);
  config.loop.max_steps = 18;
  std::vector<int64_t> steps;
  TrainObserver observer;
  observer.on_checkpoint = [&](const CheckpointReport& report) { steps.push_back(report.step); };
  make_trainer(config, batches(5, 1))->run(observer).value();
  EXPECT_EQ(steps, (std::vector<int64_t>{4, 8, 12, 16, 18}));
  EXPECT_EQ(read_file(config.checkpoint.directory + "/latest").value(), "step-000000018\n");
  EXPECT_TRUE(path_exists(config.checkpoint.directory + "/step-000000016/checkpoint.json"));
  EXPECT_FALSE(path_exists(config.checkpoint.directory + "/step-000000012"));
  std::filesystem::remove_all(config.checkpoint.directory);
}

TEST(Trainer, ResumingWhatCannotBeResumed) {
  TrainConfig config = planted_config(BlockType::kPool);
  EXPECT_EQ(make_trainer(config, batches(1, 1))->resume().code(), StatusCode::kInvalidArgument);
  config.checkpoint.directory = testing::TempDir() + "onefold_bad_resume";
  std::filesystem::remove_all(config.checkpoint.directory);
  EXPECT_EQ(make_trainer(config, batches(1, 1))->resume().code(), StatusCode::kNotFound);
  config.loop.max_steps = 2;
  make_trainer(config, batches(5, 1))->run().value();
  TrainConfig other = config;
  other.loop.seed = 99;
  const Status changed = make_trainer(other, batches(5, 1))->resume();
  EXPECT_EQ(changed.code(), StatusCode::kInvalidArgument);
  EXPECT_NE(changed.message().find("another configuration"), std::string::npos);
  const std::string latest = config.checkpoint.directory + "/latest";
  for (const char* name : {"step-9\n", "../x\n", "", "step-000000002/../step-000000002\n"}) {
    ASSERT_TRUE(write_file_atomic(latest, name).ok());
    EXPECT_EQ(make_trainer(config, batches(5, 1))->resume().code(), StatusCode::kDataLoss) << name;
  }
  ASSERT_TRUE(write_file_atomic(latest, "step-000000002\n").ok());
  const std::string info = config.checkpoint.directory + "/step-000000002/checkpoint.json";
  const std::string good = read_file(info).value();
  for (const std::string& bad : {std::string("{"), std::string("{}"), good.substr(0, 40)}) {
    ASSERT_TRUE(write_file_atomic(info, bad).ok());
    EXPECT_EQ(make_trainer(config, batches(5, 1))->resume().code(), StatusCode::kDataLoss);
  }
  ASSERT_TRUE(write_file_atomic(info, R"({"format_version": 99})").ok());
  EXPECT_EQ(make_trainer(config, batches(5, 1))->resume().code(), StatusCode::kUnsupported);
  std::filesystem::remove_all(config.checkpoint.directory);
}

TEST(Trainer, ReportsAndEvaluatesOnTime) {
  TrainConfig config = planted_config(BlockType::kPool);
  config.loop.max_steps = 0;
  config.loop.epochs = 2;
  config.loop.log_every = 4;
  config.loop.eval_every = 5;
  std::vector<int64_t> logged, evaluated, epochs;
  int64_t samples = 0;
  TrainObserver observer;
  observer.on_step = [&](const StepReport& report) {
    epochs.push_back(report.epoch);
    samples = report.samples;
    if (!report.log) return;
    logged.push_back(report.step);
    EXPECT_GT(report.window_loss, 0);
    EXPECT_GT(report.window_ne, 0);
    EXPECT_GT(report.window_samples_per_second, 0);
  };
  observer.on_eval = [&](const EvalReport& report) { evaluated.push_back(report.step); };
  const TrainResult result =
      make_trainer(config, batches(6, 1), batches(2, 1000))->run(observer).value();
  EXPECT_EQ(result.steps, 12);
  EXPECT_EQ(result.samples, samples);
  EXPECT_EQ(logged, (std::vector<int64_t>{4, 8, 12}));
  EXPECT_EQ(evaluated, (std::vector<int64_t>{5, 10, 12}));
  EXPECT_EQ(epochs.front(), 0);
  EXPECT_EQ(epochs.back(), 1);
  EXPECT_GT(result.samples_per_second(), 0);
}

TEST(Trainer, EveryEvaluationSeesTheSameSamples) {
  const auto trainer =
      make_trainer(planted_config(BlockType::kPool), batches(1, 1), batches(3, 1000));
  const EvalReport a = trainer->evaluate().value(), b = trainer->evaluate().value();
  EXPECT_EQ(a.samples, b.samples);
  EXPECT_EQ(a.labels[0].loss, b.labels[0].loss);
}

TEST(Trainer, DivergenceIsAnError) {
  TrainConfig config = planted_config(BlockType::kPool);
  config.loop.learning_rate = 1e30;
  const auto result = make_trainer(config, batches(5, 1))->run();
  ASSERT_FALSE(result.ok());
  EXPECT_NE(result.status().message().find("diverged"), std::string::npos);
}

TEST(Trainer, BadIdsAreTheDatasFault) {
  std::vector<Batch> bad = batches(1, 1);
  bad[0].item_id[0] = 1 << 20;
  const auto result = make_trainer(planted_config(BlockType::kPool), bad)->run();
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.status().code(), StatusCode::kSchema);
}

TEST(Trainer, SeveralLabels) {
  TrainConfig config = planted_config(BlockType::kPool);
  config.model.labels = {"click", "like"};
  config.loop.max_steps = 50;
  const TrainResult result = make_trainer(config, batches(20, 1), batches(5, 1000))->run().value();
  ASSERT_EQ(result.evals.back().labels.size(), 2u);
  EXPECT_EQ(result.evals.back().labels[1].label, "like");
  EXPECT_GT(result.evals.back().labels[0].label_rate, result.evals.back().labels[1].label_rate);
}

}  // namespace
}  // namespace onefold
