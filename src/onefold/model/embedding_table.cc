// SPDX-License-Identifier: Apache-2.0
#include "onefold/model/embedding_table.h"

#include <cmath>

#include <ATen/ops/empty.h>
#include <ATen/ops/index_select.h>

#include "onefold/ops/embedding.h"

namespace onefold {

at::Tensor EmbeddingTable::gather(const at::Tensor& ids, bool trainable) const {
  at::Tensor rows = at::index_select(weight, 0, ids);
  rows.set_requires_grad(trainable);
  return rows;
}

at::Tensor look_up(const TableLookup& lookup) {
  const int64_t num_ids = lookup.ids.rows.size(0);
  Lookups all;
  all.num_ids = {num_ids};
  all.out_first = {0};
  all.out_stride = {1};
  all.out_rows = num_ids;
  return embedding_bag(lookup.table_rows, {}, lookup.ids, all);
}

at::Tensor look_up_pooled(const TableLookup& lookup, const at::Tensor& offsets, Pooling pooling) {
  Lookups bags;
  bags.offsets = {offsets};
  bags.num_ids = {lookup.ids.rows.size(0)};
  bags.out_first = {0};
  bags.out_stride = {1};
  bags.out_rows = offsets.size(0) - 1;
  bags.pooling = pooling;
  return embedding_bag(lookup.table_rows, {}, lookup.ids, bags);
}

EmbeddingTable make_table(const std::string& name, int64_t rows, int64_t dim,
                          Parameters& parameters) {
  const double bound = 1.0 / std::sqrt(static_cast<double>(dim));
  at::Tensor weight = at::empty({rows, dim}, at::kFloat);
  weight.uniform_(-bound, bound, parameters.generator());
  return {name, weight.to(parameters.dtype())};
}

std::vector<EmbeddingTable> make_tables(const ModelConfig& config, Parameters& parameters) {
  std::vector<EmbeddingTable> tables;
  for (const TableConfig& table : config.tables) {
    tables.push_back(make_table(table.name, table.rows, table.dim, parameters));
  }
  return tables;
}

}  // namespace onefold
