// SPDX-License-Identifier: Apache-2.0
// ModelRunner: one batch through the model, forward only or with an update.
#pragma once

#include "onefold/model/dlrm.h"
#include "onefold/ops/batch_tensors.h"
#include "onefold/train/optimizers.h"

namespace onefold {

class ModelRunner {
 public:
  // REQUIRES: a resolved configuration.
  explicit ModelRunner(const TrainConfig& config);

  struct Output {
    double loss = 0;            // mean over samples, summed over labels; 0 from predict()
    at::Tensor logits, labels;  // float [B, T]
  };
  // Forward, backward, update. kSchema as BatchTensorizer and Dlrm say.
  Result<Output> train(const Batch& batch);
  Result<Output> predict(const Batch& batch);

  const Dlrm& model() const { return model_; }
  Optimizers& optimizers() { return optimizers_; }

 private:
  std::vector<at::Tensor> gather_tables(const BatchTensors& tensors, bool trainable) const;

  Dlrm model_;
  BatchTensorizer tensorize_;
  Optimizers optimizers_;
};

}  // namespace onefold
