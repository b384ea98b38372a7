// SPDX-License-Identifier: Apache-2.0
// Trainer: the loop. Batches -> forward, backward, update; evaluation, checkpoints, exact resume.
//
//   TrainConfig config = default_config(schema, BlockType::kTransformer);
//   config.data.table = "tables/clicks";
//   config.data.holdout = 0.1;
//   ONEFOLD_ASSIGN_OR_RETURN(auto trainer, Trainer::open(config));
//   ONEFOLD_ASSIGN_OR_RETURN(TrainResult result, trainer->run());
//
// One thread drives it; libtorch's threads do the work. Nothing is printed: see TrainObserver.
#pragma once

#include <memory>
#include <optional>

#include "onefold/base/status.h"
#include "onefold/jagged/batch.h"
#include "onefold/train/batch_source.h"
#include "onefold/train/report.h"
#include "onefold/train/train_config.h"

namespace onefold {

class Trainer {
 public:
  // Opens the configuration's tables, and the timelines of an upstream model. Errors are those of
  // BatchReader::open, TimelineReader::open and resolve().
  static Result<std::unique_ptr<Trainer>> open(const TrainConfig& config);

  // Takes batches from `train`, and evaluates on `eval` if it is not nullptr. The batches must have
  // gone through make_transforms() already; with loop.dedup = false they are unfolded here if they
  // are not.
  static Result<std::unique_ptr<Trainer>> create(const TrainConfig& config, const Schema& schema,
                                                 std::unique_ptr<BatchSource> train,
                                                 std::unique_ptr<BatchSource> eval);
  ~Trainer();

  const TrainConfig& config() const;  // resolved
  int64_t num_dense_parameters() const;
  int64_t num_table_parameters() const;
  // Names in an upstream model's slices that its timelines do not have: such slices stay empty.
  std::vector<std::string> unknown_slice_names() const;

  // Continues the newest checkpoint of checkpoint.directory: call before run(). From there on every
  // loss is bit for bit what the uninterrupted run would have had on the same machine and threads.
  Status resume();

  // Trains to the end of the epochs or max_steps, evaluates, writes a last checkpoint. kDataLoss or
  // kSchema as the batches say; kInvalidArgument when the loss stops being a number.
  Result<TrainResult> run(const TrainObserver& observer = {});

  // One step on one batch, outside of run(): for benchmarks and tests. Returns the loss before the
  // update, summed over labels.
  Result<double> step(const Batch& batch);

  // The mean loss and metrics on `eval`, from its current position to the end of its epoch.
  Result<EvalReport> evaluate();

 private:
  struct Rep;
  explicit Trainer(std::unique_ptr<Rep> rep);

  std::unique_ptr<Rep> rep_;
};

}  // namespace onefold
