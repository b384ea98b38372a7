// SPDX-License-Identifier: Apache-2.0
#include "onefold/train/evaluator.h"

#include "onefold/train/auc.h"
#include "onefold/train/binary_loss.h"

namespace onefold {

Evaluator::Evaluator(std::vector<std::string> labels, GroupAucBy by) : by_(by) {
  for (std::string& label : labels) columns_.push_back({std::move(label), {}, {}});
}

void Evaluator::add(const Batch& batch, const at::Tensor& logits, const at::Tensor& labels) {
  const std::vector<int64_t>& ids = by_ == GroupAucBy::kUser ? batch.user_id : batch.session_id;
  groups_.insert(groups_.end(), ids.begin(), ids.end());
  const at::Tensor scores = logits.contiguous();
  const float* score = scores.const_data_ptr<float>();
  const float* label = labels.const_data_ptr<float>();
  for (int64_t i = 0; i < batch.num_samples(); ++i) {
    for (Column& column : columns_) {
      column.logits.push_back(*score++);
      column.labels.push_back(*label++);
    }
  }
}

std::vector<LabelMetrics> Evaluator::metrics() const {
  std::vector<LabelMetrics> all;
  for (const Column& column : columns_) {
    BinaryLoss loss;
    loss.add(column.logits, column.labels);
    LabelMetrics metrics{.label = column.name,
                         .label_rate = loss.label_rate(),
                         .loss = loss.loss(),
                         .normalized_entropy = loss.normalized_entropy(),
                         .auc = auc(column.logits, column.labels)};
    metrics.grouped_auc = grouped_auc(column.logits, column.labels, groups_, &metrics.auc_groups);
    all.push_back(std::move(metrics));
  }
  return all;
}

}  // namespace onefold
