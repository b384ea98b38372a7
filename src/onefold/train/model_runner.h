// SPDX-License-Identifier: Apache-2.0
// ModelRunner: one batch through the model, forward only or with an update.
#pragma once

#include <memory>

#include "onefold/model/dlrm.h"
#include "onefold/ops/batch_tensors.h"
#include "onefold/ops/timeline_tensors.h"
#include "onefold/train/optimizers.h"

namespace onefold {

class ModelRunner {
 public:
  // With an upstream model, opens its timelines: errors are those of TimelineTensorizer::open().
  // REQUIRES: a resolved configuration.
  static Result<std::unique_ptr<ModelRunner>> create(const TrainConfig& config);

  struct Output {
    double loss = 0;            // mean over samples, summed over labels; 0 from predict()
    at::Tensor logits, labels;  // float [B, T], as BatchTensors::labels
  };
  // Forward, backward, update. kSchema as BatchTensorizer and Dlrm say.
  Result<Output> train(const Batch& batch);
  Result<Output> predict(const Batch& batch);

  const Dlrm& model() const { return model_; }
  Optimizers& optimizers() { return optimizers_; }
  // nullptr without an upstream model.
  const TimelineTensorizer* timelines() const { return timelines_.get(); }

 private:
  explicit ModelRunner(const TrainConfig& config);
  Result<BatchTensors> make_tensors(const Batch& batch);
  at::Tensor loss_of(const at::Tensor& logits, const at::Tensor& labels) const;
  std::vector<at::Tensor> gather_tables(const BatchTensors& tensors, bool trainable) const;

  Dlrm model_;
  BatchTensorizer tensorize_;
  Optimizers optimizers_;
  std::unique_ptr<TimelineTensorizer> timelines_;
};

}  // namespace onefold
