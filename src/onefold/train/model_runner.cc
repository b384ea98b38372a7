// SPDX-License-Identifier: Apache-2.0
#include "onefold/train/model_runner.h"

#include <ATen/ops/binary_cross_entropy_with_logits.h>
#include <ATen/ops/mse_loss.h>
#include <c10/core/GradMode.h>

namespace onefold {

ModelRunner::ModelRunner(const TrainConfig& config)
    : model_(config.model, config.loop.seed),
      tensorize_(model_.plan()),
      optimizers_(model_, config.loop) {}

Result<std::unique_ptr<ModelRunner>> ModelRunner::create(const TrainConfig& config) {
  std::unique_ptr<ModelRunner> runner(new ModelRunner(config));
  const UserEncoder* encoder = runner->model_.user_encoder();
  if (encoder != nullptr) {
    TimelineTensorOptions options = encoder->tensor_options();
    options.share = config.loop.dedup;
    ONEFOLD_ASSIGN_OR_RETURN(
        runner->timelines_,
        TimelineTensorizer::open(encoder->config().timelines, encoder->layout(), options));
  }
  return runner;
}

Result<BatchTensors> ModelRunner::make_tensors(const Batch& batch) {
  ONEFOLD_ASSIGN_OR_RETURN(BatchTensors tensors, tensorize_(batch));
  if (timelines_ == nullptr) return tensors;
  const UserEncoder& encoder = *model_.user_encoder();
  std::vector<int64_t> cutoffs = batch.time_us;
  for (int64_t& cutoff : cutoffs) cutoff -= encoder.config().gap_us;
  ONEFOLD_ASSIGN_OR_RETURN(TimelineTensors timelines, (*timelines_)(batch.user_id, cutoffs));
  for (const SliceTable& table : encoder.layout().tables) {
    tensors.table_ids.push_back(timelines.space_ids[table.space]);
  }
  tensors.timelines = std::make_shared<const TimelineTensors>(std::move(timelines));
  return tensors;
}

// Means over the samples, summed over labels.
at::Tensor ModelRunner::loss_of(const at::Tensor& logits, const at::Tensor& labels) const {
  const ModelConfig& config = model_.config();
  const auto num_binary = static_cast<int64_t>(config.labels.size());
  const auto num_values = static_cast<int64_t>(config.mse_labels.size());
  const at::Tensor binary = at::binary_cross_entropy_with_logits(logits.narrow(1, 0, num_binary),
                                                                 labels.narrow(1, 0, num_binary))
                                .mul(static_cast<double>(num_binary));
  if (num_values == 0) return binary;
  return binary.add(at::mse_loss(logits.narrow(1, num_binary, num_values),
                                 labels.narrow(1, num_binary, num_values))
                        .mul(config.mse_weight * static_cast<double>(num_values)));
}

Result<ModelRunner::Output> ModelRunner::train(const Batch& batch) {
  ONEFOLD_ASSIGN_OR_RETURN(const BatchTensors tensors, make_tensors(batch));
  const std::vector<at::Tensor> rows = gather_tables(tensors, /*trainable=*/true);
  ONEFOLD_ASSIGN_OR_RETURN(const at::Tensor logits, model_.forward(tensors, rows));
  const at::Tensor loss = loss_of(logits, tensors.labels);
  loss.backward();
  optimizers_.step(tensors.table_ids, rows);
  return Output{loss.item<double>(), logits.detach(), tensors.labels};
}

Result<ModelRunner::Output> ModelRunner::predict(const Batch& batch) {
  const c10::NoGradGuard no_grad;
  ONEFOLD_ASSIGN_OR_RETURN(const BatchTensors tensors, make_tensors(batch));
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
