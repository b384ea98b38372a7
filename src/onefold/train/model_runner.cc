// SPDX-License-Identifier: Apache-2.0
#include "onefold/train/model_runner.h"

#include <ATen/ops/binary_cross_entropy_with_logits.h>
#include <c10/core/GradMode.h>

namespace onefold {

ModelRunner::ModelRunner(const TrainConfig& config)
    : model_(config.model, config.loop.seed),
      tensorize_(model_.plan()),
      optimizers_(model_, config.loop) {}

Result<ModelRunner::Output> ModelRunner::train(const Batch& batch) {
  ONEFOLD_ASSIGN_OR_RETURN(const BatchTensors tensors, tensorize_(batch));
  const std::vector<at::Tensor> rows = gather_tables(tensors, /*trainable=*/true);
  ONEFOLD_ASSIGN_OR_RETURN(const at::Tensor logits, model_.forward(tensors, rows));
  const at::Tensor loss = at::binary_cross_entropy_with_logits(logits, tensors.labels)
                              .mul(static_cast<double>(logits.size(1)));
  loss.backward();
  optimizers_.step(tensors.table_ids, rows);
  return Output{loss.item<double>(), logits.detach(), tensors.labels};
}

Result<ModelRunner::Output> ModelRunner::predict(const Batch& batch) {
  const c10::NoGradGuard no_grad;
  ONEFOLD_ASSIGN_OR_RETURN(const BatchTensors tensors, tensorize_(batch));
  ONEFOLD_ASSIGN_OR_RETURN(const at::Tensor logits,
                           model_.forward(tensors, gather_tables(tensors, /*trainable=*/false)));
  return Output{0, logits, tensors.labels};
}

std::vector<at::Tensor> ModelRunner::gather_tables(const BatchTensors& tensors,
                                                   bool trainable) const {
  std::vector<at::Tensor> rows;
  for (size_t t = 0; t < tensors.table_ids.size(); ++t) {
    rows.push_back(model_.tables()[t].gather(tensors.table_ids[t], trainable));
  }
  return rows;
}

}  // namespace onefold
