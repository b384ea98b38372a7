// SPDX-License-Identifier: Apache-2.0
// The two optimizers of a model, as one: Adam for the dense parameters, row-wise Adagrad for
// tables.
#pragma once

#include <vector>

#include "onefold/model/dlrm.h"
#include "onefold/train/adam.h"
#include "onefold/train/row_adagrad.h"
#include "onefold/train/safetensors.h"
#include "onefold/train/train_config.h"

namespace onefold {

class Optimizers {
 public:
  Optimizers(const Dlrm& model, const LoopConfig& config);

  // After backward(): updates dense parameters, and the rows `ids[t]` of table t by the gradient of
  // the leaf `rows[t]` that was read from it.
  void step(const std::vector<at::Tensor>& ids, const std::vector<at::Tensor>& rows);

  // Names and shared handles of what a checkpoint holds.
  std::vector<NamedTensor> model_tensors() const;
  std::vector<NamedTensor> optimizer_tensors() const;
  int64_t steps() const { return adam_.steps(); }
  void set_steps(int64_t steps) { adam_.set_steps(steps); }

 private:
  const Dlrm& model_;
  Adam adam_;
  std::vector<RowAdagrad> adagrad_;  // one per table
};

}  // namespace onefold
