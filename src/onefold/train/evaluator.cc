// SPDX-License-Identifier: Apache-2.0
#include "onefold/train/evaluator.h"

#include <numeric>
#include <span>

#include "onefold/train/auc.h"
#include "onefold/train/binary_loss.h"

namespace onefold {

namespace {

double mean_square(std::span<const float> values, auto distance) {
  double sum = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    const double d = distance(i);
    sum += d * d;
  }
  return sum / static_cast<double>(values.size());
}

}  // namespace

Evaluator::Evaluator(std::vector<std::string> labels, std::vector<std::string> values,
                     GroupAucBy by)
    : by_(by) {
  for (std::string& label : labels) columns_.push_back({std::move(label), false, {}, {}});
  for (std::string& label : values) columns_.push_back({std::move(label), true, {}, {}});
}

LabelMetrics Evaluator::value_metrics(const Column& column) {
  const std::vector<float>& labels = column.labels;
  const double mean =
      std::accumulate(labels.begin(), labels.end(), 0.0) / static_cast<double>(labels.size());
  LabelMetrics metrics{.label = column.name, .is_value = true};
  metrics.loss = mean_square(labels, [&](size_t i) { return labels[i] - column.logits[i]; });
  metrics.normalized_mse =
      metrics.loss / mean_square(labels, [&](size_t i) { return labels[i] - mean; });
  return metrics;
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
    if (column.is_value) {
      all.push_back(value_metrics(column));
      continue;
    }
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
