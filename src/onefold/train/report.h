// SPDX-License-Identifier: Apache-2.0
// What a training run tells its caller, while it runs and at its end.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "onefold/train/fold_meter.h"

namespace onefold {

// Quality on held-out samples, per label.
struct LabelMetrics {
  std::string label;
  double label_rate = 0;
  double loss = 0;  // mean BCE; of a value, the mean squared error of log(1 + value)
  // A value: `loss` over the variance of log(1 + value), 1 for always predicting the mean. The
  // figures below are of binary labels.
  bool is_value = false;
  double normalized_mse = 0;
  double normalized_entropy = 0;  // NaN when only one class was seen; so are the two below
  double auc = 0;
  double grouped_auc = 0;  // by user or session, weighted by samples
  int64_t auc_groups = 0;  // groups that had both classes
};

struct EvalReport {
  int64_t step = 0;
  int64_t samples = 0;
  double seconds = 0;
  std::vector<LabelMetrics> labels;
};

struct StepReport {
  int64_t step = 0;     // 1 after the first step of all, also when resumed
  int64_t epoch = 0;    // from 0
  int64_t samples = 0;  // in this run so far
  double seconds = 0;   // in this run so far, without evaluation and checkpoints
  double loss = 0;      // of this batch, summed over labels
  // Every `log_every` steps, over the steps since the last time:
  bool log = false;
  double window_loss = 0;
  double window_ne = 0;  // of the first label
  double window_samples_per_second = 0;
};

struct CheckpointReport {
  int64_t step = 0;
  double seconds = 0;
};

// Called from the training thread, in order. Any may be empty.
struct TrainObserver {
  std::function<void(const StepReport&)> on_step;
  std::function<void(const EvalReport&)> on_eval;
  std::function<void(const CheckpointReport&)> on_checkpoint;
};

struct TrainResult {
  int64_t steps = 0;  // of this run
  int64_t samples = 0;
  double seconds = 0;          // training, without evaluation and checkpoints
  double wait_seconds = 0;     // of these, waiting for batches
  std::vector<double> losses;  // one a step
  std::vector<GroupFold> folds;
  std::vector<EvalReport> evals;  // the last one is the final model's; empty without eval data

  double samples_per_second() const {
    return seconds > 0 ? static_cast<double>(samples) / seconds : 0;
  }
};

}  // namespace onefold
