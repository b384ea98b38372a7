// SPDX-License-Identifier: Apache-2.0
#include "onefold/model/model_config.h"

#include <fmt/format.h>

namespace onefold {

const char* to_string(BlockType type) {
  switch (type) {
    case BlockType::kPool:
      return "pool";
    case BlockType::kDin:
      return "din";
    case BlockType::kTransformer:
      return "transformer";
  }
  return "?";
}

const char* to_string(Combine combine) { return combine == Combine::kSum ? "sum" : "concat"; }
const char* to_string(Pooling pooling) { return pooling == Pooling::kSum ? "sum" : "mean"; }

Result<BlockType> parse_block_type(const std::string& name) {
  for (BlockType type : {BlockType::kPool, BlockType::kDin, BlockType::kTransformer}) {
    if (name == to_string(type)) return type;
  }
  return invalid_argument(fmt::format("'{}' is no block type; use pool, din or transformer", name));
}

Result<Combine> parse_combine(const std::string& name) {
  if (name == "sum") return Combine::kSum;
  if (name == "concat") return Combine::kConcat;
  return invalid_argument(fmt::format("'{}' is no way to combine lists; use sum or concat", name));
}

Result<Pooling> parse_pooling(const std::string& name) {
  if (name == "sum") return Pooling::kSum;
  if (name == "mean") return Pooling::kMean;
  return invalid_argument(fmt::format("'{}' is no pooling; use sum or mean", name));
}

ModelConfig with_defaults(ModelConfig config, const Schema& schema) {
  const std::vector<std::string> all = {"*"};
  if (config.labels == all) {
    config.labels.clear();
    for (const LabelSpec& label : schema.labels) {
      if (!label.value) config.labels.push_back(label.name);
    }
  }
  if (config.dense == all) {
    config.dense.clear();
    for (const FeatureSpec& feature : schema.dense_features()) config.dense.push_back(feature.name);
  }
  for (TableConfig& table : config.tables) {
    if (table.dim == 0) table.dim = config.dim;
  }
  for (BlockConfig& block : config.blocks) {
    if (block.dim == 0) block.dim = config.dim;
    if (block.ffn == 0) block.ffn = 4 * block.dim;
    if (block.name.empty()) block.name = fmt::format("{}_{}", to_string(block.type), block.group);
  }
  for (EmbeddingConfig& embedding : config.embeddings) {
    if (embedding.name.empty()) {
      embedding.name = fmt::format("{}_{}", to_string(embedding.adapter), embedding.group);
    }
  }
  return config;
}

}  // namespace onefold
