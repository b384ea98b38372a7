// SPDX-License-Identifier: Apache-2.0
#include "onefold/model/embedding_table.h"

#include <cmath>

#include <ATen/ops/empty.h>
#include <ATen/ops/index_select.h>

namespace onefold {

at::Tensor EmbeddingTable::gather(const at::Tensor& ids, bool trainable) const {
  at::Tensor rows = at::index_select(weight, 0, ids);
  rows.set_requires_grad(trainable);
  return rows;
}

std::vector<EmbeddingTable> make_tables(const ModelConfig& config, Parameters& parameters) {
  std::vector<EmbeddingTable> tables;
  for (const TableConfig& table : config.tables) {
    const double bound = 1.0 / std::sqrt(static_cast<double>(table.dim));
    at::Tensor weight = at::empty({table.rows, table.dim}, at::kFloat);
    weight.uniform_(-bound, bound, parameters.generator());
    tables.push_back({table.name, weight.to(parameters.dtype())});
  }
  return tables;
}

}  // namespace onefold
