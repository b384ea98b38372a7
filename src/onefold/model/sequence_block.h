// SPDX-License-Identifier: Apache-2.0
// SequenceBlock: parallel lists of one feature group -> one vector, on unique rows wherever the
// maths allows.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include <ATen/core/TensorBody.h>

#include "onefold/model/embedding_table.h"
#include "onefold/model/model_config.h"
#include "onefold/model/parameters.h"
#include "onefold/model/token_prefix.h"
#include "onefold/ops/index_csr.h"
#include "onefold/ops/payload_windows.h"

namespace onefold {

// N values in U unique rows; B samples refer to them. With windows, the rows are windows on the N
// values, and may overlap.
struct SequenceInput {
  std::vector<TableLookup> ids;           // as BlockConfig::features: N each
  std::vector<at::Tensor> floats;         // as BlockConfig::floats: [N] each
  at::Tensor offsets;                     // int32 [U + 1], of every list
  std::optional<PayloadWindows> windows;  // `offsets` are theirs
  // For blocks that look at the candidate:
  std::vector<at::Tensor> query;  // as BlockConfig::query: [B, d] each
  FoldIndex fold;                 // B samples over the U rows
  // transformer: tokens before the values; rows of the output are then its P pairs.
  std::optional<TokenPrefix> prefix;
};

class SequenceBlock {
 public:
  virtual ~SequenceBlock() = default;

  // -> [U, BlockConfig::dim], [P, dim] with a prefix, or [B, dim] if per_sample().
  virtual at::Tensor forward(const SequenceInput& input) const = 0;
  // The output depends on the candidate: nothing is left to expand.
  virtual bool per_sample() const { return false; }
};

// `id_dims` and `query_dims`: widths of the tables of BlockConfig::features and ::query.
struct BlockDims {
  std::vector<int64_t> ids, query;
};
std::unique_ptr<SequenceBlock> make_block(const BlockConfig& config, const BlockDims& dims,
                                          Parameters& parameters);

}  // namespace onefold
