// SPDX-License-Identifier: Apache-2.0
// Evaluation: predictions of one pass over held-out samples, then exact metrics.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <ATen/core/TensorBody.h>

#include "onefold/jagged/batch.h"
#include "onefold/train/report.h"
#include "onefold/train/train_config.h"

namespace onefold {

// Keeps 8 bytes per sample and label, and 8 per sample.
class Evaluator {
 public:
  // `labels` are binary, `values` follow them.
  Evaluator(std::vector<std::string> labels, std::vector<std::string> values, GroupAucBy by);

  // logits, labels [B, T] float, as BatchTensors::labels.
  void add(const Batch& batch, const at::Tensor& logits, const at::Tensor& labels);
  std::vector<LabelMetrics> metrics() const;
  int64_t num_samples() const { return static_cast<int64_t>(groups_.size()); }

 private:
  struct Column {
    std::string name;
    bool is_value = false;
    std::vector<float> logits, labels;
  };
  static LabelMetrics value_metrics(const Column& column);

  std::vector<Column> columns_;
  GroupAucBy by_;
  std::vector<int64_t> groups_;
};

}  // namespace onefold
