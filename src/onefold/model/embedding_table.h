// SPDX-License-Identifier: Apache-2.0
// EmbeddingTable: one vector per id. A step reads the distinct rows of its batch as one small
// matrix, an autograd leaf, and only those rows are ever updated.
#pragma once

#include <string>
#include <vector>

#include <ATen/core/TensorBody.h>

#include "onefold/model/model_config.h"
#include "onefold/model/parameters.h"
#include "onefold/ops/id_sort.h"

namespace onefold {

struct EmbeddingTable {
  std::string name;
  at::Tensor weight;  // [rows, dim], no gradient of its own

  // The rows `ids` int64 [R], as a new leaf [R, dim] that requires a gradient if `trainable`.
  at::Tensor gather(const at::Tensor& ids, bool trainable) const;
};

// Ids of a batch and the rows that they number.
struct TableLookup {
  at::Tensor table_rows;  // [R, d], of EmbeddingTable::gather()
  SortedIds ids;          // N
};
// The row of every id [N, d].
at::Tensor look_up(const TableLookup& lookup);
// Pooled by offsets int32 [U + 1]: [U, d]. The looked-up rows are never stored.
at::Tensor look_up_pooled(const TableLookup& lookup, const at::Tensor& offsets, Pooling pooling);

// A table with rows uniform within 1 / sqrt(dim), as vectors of about unit length for any dim.
EmbeddingTable make_table(const std::string& name, int64_t rows, int64_t dim,
                          Parameters& parameters);
std::vector<EmbeddingTable> make_tables(const ModelConfig& config, Parameters& parameters);

}  // namespace onefold
