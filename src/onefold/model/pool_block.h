// SPDX-License-Identifier: Apache-2.0
// PoolBlock: lists pooled by sum or mean on unique rows, then combined.
#pragma once

#include "onefold/model/list_combiner.h"
#include "onefold/model/sequence_block.h"

namespace onefold {

// Pooling is linear, so it comes first and the combination runs once per row, not once per value.
class PoolBlock : public SequenceBlock {
 public:
  PoolBlock(const BlockConfig& config, const BlockDims& dims, Parameters& parameters);
  at::Tensor forward(const SequenceInput& input) const override;  // [U, dim]

 private:
  Pooling pooling_;
  ListCombiner combiner_;
};

}  // namespace onefold
