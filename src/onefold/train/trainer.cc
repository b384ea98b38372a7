// SPDX-License-Identifier: Apache-2.0
#include "onefold/train/trainer.h"

#include <algorithm>
#include <cmath>
#include <filesystem>

#include <ATen/Parallel.h>
#include <fmt/format.h>
#include <unistd.h>

#include "onefold/reader/stopwatch.h"
#include "onefold/train/binary_loss.h"
#include "onefold/train/checkpoint.h"
#include "onefold/train/evaluator.h"
#include "onefold/train/model_runner.h"
#include "onefold/train/upstream_file.h"

namespace onefold {
namespace {

// That a directory is at `path` or can be made there. Nothing is made.
Status check_directory_place(const std::string& path) {
  if (path.empty()) return {};
  namespace fs = std::filesystem;
  fs::path place = fs::absolute(path);
  std::error_code error;
  while (!fs::exists(place, error) && place.has_relative_path()) place = place.parent_path();
  if (!fs::is_directory(place, error)) {
    return io_error("[checkpoint] directory " + path + ": " + place.string() +
                    " is not a directory");
  }
  if (::access(place.c_str(), W_OK) != 0) {
    return io_error("[checkpoint] directory " + path + ": " + place.string() +
                    " cannot be written to");
  }
  return {};
}

std::span<const float> first_column(const at::Tensor& values, std::vector<float>& buffer) {
  const at::Tensor column = values.select(1, 0).contiguous();
  const float* data = column.const_data_ptr<float>();
  buffer.assign(data, data + column.numel());
  return buffer;
}

bool is_folded(const Batch& batch) {
  return std::any_of(batch.groups.begin(), batch.groups.end(), [](const FeatureGroup& group) {
    return group.features.num_unique() != group.features.num_samples();
  });
}

// Means over the steps since the last log line.
class Window {
 public:
  void add(const ModelRunner::Output& output) {
    loss_sum_ += output.loss;
    ++steps_;
    samples_ += output.logits.size(0);
    std::vector<float> logits, labels;
    first_label_.add(first_column(output.logits, logits), first_column(output.labels, labels));
  }

  void report(double seconds, StepReport& report) const {
    report.log = true;
    report.window_loss = loss_sum_ / static_cast<double>(steps_);
    report.window_ne = first_label_.normalized_entropy();
    report.window_samples_per_second = static_cast<double>(samples_) / seconds;
  }

 private:
  double loss_sum_ = 0;
  int64_t steps_ = 0, samples_ = 0;
  BinaryLoss first_label_;
};

}  // namespace

struct Trainer::Rep {
  Rep(TrainConfig resolved, std::unique_ptr<BatchSource> train_source,
      std::unique_ptr<BatchSource> eval_source, std::unique_ptr<ModelRunner> model_runner)
      : config(std::move(resolved)),
        train(std::move(train_source)),
        eval(std::move(eval_source)),
        owned_runner(std::move(model_runner)),
        runner(*owned_runner) {}

  Result<ModelRunner::Output> train_on(const Batch& batch);
  Result<EvalReport> evaluate();
  Status checkpoint(const TrainObserver& observer);
  Status evaluate_into(TrainResult& result, const TrainObserver& observer);
  Status after_step(TrainResult& result, const TrainObserver& observer);
  Status train_epochs(TrainResult& result, const TrainObserver& observer);
  bool done() const { return config.loop.max_steps > 0 && step >= config.loop.max_steps; }

  TrainConfig config;
  std::unique_ptr<BatchSource> train, eval;
  std::unique_ptr<ModelRunner> owned_runner;
  ModelRunner& runner;
  FoldMeter folds;
  int64_t step = 0;  // of all runs together
  int64_t samples = 0;
  int64_t checkpointed_step = -1;
};

Result<ModelRunner::Output> Trainer::Rep::train_on(const Batch& batch) {
  if (!config.loop.dedup && is_folded(batch)) return train_on(unfolded(batch));
  folds.add(batch);
  ONEFOLD_ASSIGN_OR_RETURN(ModelRunner::Output output, runner.train(batch));
  ++step;
  samples += batch.num_samples();
  if (!std::isfinite(output.loss)) {
    return invalid_argument(
        fmt::format("the loss is {} at step {}: training diverged; lower "
                    "learning_rate or table_learning_rate",
                    output.loss, step));
  }
  return output;
}

Result<EvalReport> Trainer::Rep::evaluate() {
  ONEFOLD_CHECK(eval != nullptr, "no evaluation batches");
  const Stopwatch watch;
  Evaluator evaluator(config.model.labels, config.model.mse_labels, config.loop.group_auc_by);
  const int64_t limit = config.loop.eval_batches;
  const ReaderState begin = eval->state();
  for (int64_t count = 0; limit == 0 || count < limit; ++count) {
    ONEFOLD_ASSIGN_OR_RETURN(std::optional<Batch> batch, eval->next());
    if (!batch) break;
    if (!config.loop.dedup && is_folded(*batch)) batch = unfolded(*batch);
    ONEFOLD_ASSIGN_OR_RETURN(const ModelRunner::Output output, runner.predict(*batch));
    evaluator.add(*batch, output.logits, output.labels);
  }
  // Every evaluation is on the same samples.
  ONEFOLD_RETURN_IF_ERROR(eval->restore(begin));
  return EvalReport{step, evaluator.num_samples(), watch.seconds(), evaluator.metrics()};
}

Status Trainer::Rep::checkpoint(const TrainObserver& observer) {
  if (config.checkpoint.directory.empty() || checkpointed_step == step) return {};
  const Stopwatch watch;
  const CheckpointInfo info{.step = step,
                            .optimizer_steps = runner.optimizers().steps(),
                            .samples = samples,
                            .reader = train->state(),
                            .config_hash = config_hash(config)};
  ONEFOLD_RETURN_IF_ERROR(write_checkpoint(config.checkpoint.directory, info,
                                           runner.optimizers().model_tensors(),
                                           runner.optimizers().optimizer_tensors(),
                                           config.checkpoint.keep, upstream_file(config.model)));
  checkpointed_step = step;
  if (observer.on_checkpoint) observer.on_checkpoint({step, watch.seconds()});
  return {};
}

Status Trainer::Rep::evaluate_into(TrainResult& result, const TrainObserver& observer) {
  if (eval == nullptr) return {};
  if (!result.evals.empty() && result.evals.back().step == step) return {};
  ONEFOLD_ASSIGN_OR_RETURN(EvalReport report, evaluate());
  if (observer.on_eval) observer.on_eval(report);
  result.evals.push_back(std::move(report));
  return {};
}

Status Trainer::Rep::after_step(TrainResult& result, const TrainObserver& observer) {
  if (config.loop.eval_every > 0 && step % config.loop.eval_every == 0) {
    ONEFOLD_RETURN_IF_ERROR(evaluate_into(result, observer));
  }
  return step % config.checkpoint.every == 0 ? checkpoint(observer) : Status();
}

Status Trainer::Rep::train_epochs(TrainResult& result, const TrainObserver& observer) {
  Window window;
  double window_begin = 0;
  Stopwatch watch;
  while (!done() && train->state().epoch < config.loop.epochs) {
    const Stopwatch wait;
    ONEFOLD_ASSIGN_OR_RETURN(const std::optional<Batch> batch, train->next());
    result.wait_seconds += wait.seconds();
    if (!batch) continue;
    ONEFOLD_ASSIGN_OR_RETURN(const ModelRunner::Output output, train_on(*batch));
    window.add(output);
    ++result.steps;
    result.samples += batch->num_samples();
    result.losses.push_back(output.loss);
    const double seconds = result.seconds + watch.seconds();
    StepReport report{.step = step,
                      .epoch = train->state().epoch,
                      .samples = result.samples,
                      .seconds = seconds,
                      .loss = output.loss};
    if (step % config.loop.log_every == 0) {
      window.report(seconds - window_begin, report);
      window = {};
      window_begin = seconds;
    }
    if (observer.on_step) observer.on_step(report);
    result.seconds += watch.seconds();  // what follows is not training time
    ONEFOLD_RETURN_IF_ERROR(after_step(result, observer));
    watch = Stopwatch();
  }
  return {};
}

Trainer::Trainer(std::unique_ptr<Rep> rep) : rep_(std::move(rep)) {}
Trainer::~Trainer() = default;

Result<std::unique_ptr<Trainer>> Trainer::create(const TrainConfig& config, const Schema& schema,
                                                 std::unique_ptr<BatchSource> train,
                                                 std::unique_ptr<BatchSource> eval) {
  ONEFOLD_ASSIGN_OR_RETURN(TrainConfig resolved, resolve(config, schema));
  if (resolved.loop.threads > 0) at::set_num_threads(static_cast<int>(resolved.loop.threads));
  ONEFOLD_ASSIGN_OR_RETURN(auto runner, ModelRunner::create(resolved));
  return std::unique_ptr<Trainer>(new Trainer(std::make_unique<Rep>(
      std::move(resolved), std::move(train), std::move(eval), std::move(runner))));
}

const TrainConfig& Trainer::config() const { return rep_->config; }

int64_t Trainer::num_dense_parameters() const {
  return rep_->runner.model().parameters().num_values();
}

int64_t Trainer::num_table_parameters() const {
  int64_t total = 0;
  for (const EmbeddingTable& table : rep_->runner.model().tables()) total += table.weight.numel();
  return total;
}

std::vector<std::string> Trainer::unknown_slice_names() const {
  const TimelineTensorizer* timelines = rep_->runner.timelines();
  return timelines == nullptr ? std::vector<std::string>() : timelines->unknown_names();
}

Status Trainer::resume() {
  if (rep_->config.checkpoint.directory.empty()) {
    return invalid_argument(
        "to resume, name the directory of the checkpoints: --checkpoint DIR, or directory in "
        "[checkpoint]");
  }
  Optimizers& optimizers = rep_->runner.optimizers();
  ONEFOLD_ASSIGN_OR_RETURN(
      const CheckpointInfo info,
      read_checkpoint(rep_->config.checkpoint.directory, config_hash(rep_->config),
                      optimizers.model_tensors(), optimizers.optimizer_tensors()));
  ONEFOLD_RETURN_IF_ERROR(rep_->train->restore(info.reader));
  optimizers.set_steps(info.optimizer_steps);
  rep_->step = rep_->checkpointed_step = info.step;
  rep_->samples = info.samples;
  return {};
}

Result<TrainResult> Trainer::run(const TrainObserver& observer) {
  TrainResult result;
  // Now, and not after hours of training.
  ONEFOLD_RETURN_IF_ERROR(check_directory_place(rep_->config.checkpoint.directory));
  ONEFOLD_RETURN_IF_ERROR(rep_->train_epochs(result, observer));
  ONEFOLD_RETURN_IF_ERROR(rep_->evaluate_into(result, observer));
  ONEFOLD_RETURN_IF_ERROR(rep_->checkpoint(observer));
  result.folds = rep_->folds.groups();
  return result;
}

Result<double> Trainer::step(const Batch& batch) {
  ONEFOLD_ASSIGN_OR_RETURN(const ModelRunner::Output output, rep_->train_on(batch));
  return output.loss;
}

Result<EvalReport> Trainer::evaluate() { return rep_->evaluate(); }

}  // namespace onefold
