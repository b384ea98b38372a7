// SPDX-License-Identifier: Apache-2.0
#include "onefold/model/pool_block.h"

#include "onefold/ops/payload_windows.h"
#include "onefold/ops/window_pool.h"

namespace onefold {

PoolBlock::PoolBlock(const BlockConfig& config, const BlockDims& dims, Parameters& parameters)
    : pooling_(config.pooling),
      combiner_(parameters, config.name + ".combine", config.combine, dims.ids,
                static_cast<int64_t>(config.floats.size()), config.dim) {}

at::Tensor PoolBlock::forward(const SequenceInput& input) const {
  std::vector<at::Tensor> pooled, channels;
  for (const TableLookup& ids : input.ids) {
    pooled.push_back(input.windows ? pool_windows(look_up(ids), *input.windows, pooling_)
                                   : look_up_pooled(ids, input.offsets, pooling_));
  }
  for (const at::Tensor& values : input.floats) {
    channels.push_back(input.windows ? pool_windows(values, *input.windows, pooling_)
                                     : pool_rows(values, input.offsets, pooling_));
  }
  return combiner_(pooled, channels);
}

}  // namespace onefold
