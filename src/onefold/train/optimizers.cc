// SPDX-License-Identifier: Apache-2.0
#include "onefold/train/optimizers.h"

namespace onefold {

Optimizers::Optimizers(const Dlrm& model, const LoopConfig& config)
    : model_(model), adam_(model.parameters().all(), {.learning_rate = config.learning_rate}) {
  for (const EmbeddingTable& table : model.tables()) {
    adagrad_.emplace_back(table.weight.size(0),
                          RowAdagradOptions{.learning_rate = config.table_learning_rate});
  }
}

void Optimizers::step(const std::vector<at::Tensor>& ids, const std::vector<at::Tensor>& rows) {
  adam_.step();
  for (size_t t = 0; t < rows.size(); ++t) {
    if (!rows[t].grad().defined()) continue;  // no feature of this batch looked the table up
    adagrad_[t].update(model_.tables()[t].weight, ids[t], rows[t].grad());
  }
}

std::vector<NamedTensor> Optimizers::model_tensors() const {
  std::vector<NamedTensor> tensors;
  for (const Parameter& parameter : model_.parameters().all()) {
    tensors.push_back({"dense." + parameter.name, parameter.value});
  }
  for (const EmbeddingTable& table : model_.tables()) {
    tensors.push_back({"table." + table.name, table.weight});
  }
  return tensors;
}

std::vector<NamedTensor> Optimizers::optimizer_tensors() const {
  std::vector<NamedTensor> tensors;
  for (const Parameter& state : adam_.state()) tensors.push_back({state.name, state.value});
  for (size_t t = 0; t < adagrad_.size(); ++t) {
    tensors.push_back({"adagrad." + model_.tables()[t].name, adagrad_[t].state()});
  }
  return tensors;
}

}  // namespace onefold
