// SPDX-License-Identifier: Apache-2.0
// SequenceBlock: parallel lists of one feature group -> one vector, on unique rows wherever the
// maths allows.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include <ATen/core/TensorBody.h>

#include "onefold/model/model_config.h"
#include "onefold/model/parameters.h"
#include "onefold/model/token_prefix.h"

namespace onefold {

// N values in U unique rows; B samples refer to them.
struct SequenceInput {
  struct Ids {
    at::Tensor table_rows;  // [R, d]: the distinct rows of the feature's table in this batch
    at::Tensor positions;   // int32 [N] into table_rows
  };
  std::vector<Ids> ids;            // as BlockConfig::features
  std::vector<at::Tensor> floats;  // as BlockConfig::floats: [N] each
  at::Tensor offsets;              // int32 [U + 1], of every list
  // For blocks that look at the candidate:
  std::vector<at::Tensor> query;  // as BlockConfig::query: [B, d] each
  at::Tensor inverse_indices;     // int32 [B]
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
