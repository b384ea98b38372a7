// SPDX-License-Identifier: Apache-2.0
#include "onefold/model/pool_block.h"

#include "onefold/ops/pool_segments.h"
#include "onefold/ops/pooled_lookup.h"

namespace onefold {

PoolBlock::PoolBlock(const BlockConfig& config, const BlockDims& dims, Parameters& parameters)
    : pooling_(config.pooling),
      combiner_(parameters, config.name + ".combine", config.combine, dims.ids,
                static_cast<int64_t>(config.floats.size()), config.dim) {}

at::Tensor PoolBlock::forward(const SequenceInput& input) const {
  std::vector<at::Tensor> pooled, channels;
  for (const SequenceInput::Ids& ids : input.ids) {
    pooled.push_back(pooled_lookup(ids.table_rows, ids.positions, input.offsets, pooling_));
  }
  for (const at::Tensor& values : input.floats) {
    channels.push_back(pool_segments(values.unsqueeze(1), input.offsets, pooling_).squeeze(1));
  }
  return combiner_(pooled, channels);
}

}  // namespace onefold
