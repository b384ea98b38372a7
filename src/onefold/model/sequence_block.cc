// SPDX-License-Identifier: Apache-2.0
#include "onefold/model/sequence_block.h"

#include "onefold/model/din_block.h"
#include "onefold/model/pool_block.h"
#include "onefold/model/transformer_block.h"

namespace onefold {

std::unique_ptr<SequenceBlock> make_block(const BlockConfig& config, const BlockDims& dims,
                                          Parameters& parameters) {
  switch (config.type) {
    case BlockType::kPool:
      return std::make_unique<PoolBlock>(config, dims, parameters);
    case BlockType::kDin:
      return std::make_unique<DinBlock>(config, dims, parameters);
    case BlockType::kTransformer:
      return std::make_unique<TransformerBlock>(config, dims, parameters);
  }
  return nullptr;
}

}  // namespace onefold
