// SPDX-License-Identifier: Apache-2.0
// default_config: a model guessed from a schema.
#include <algorithm>

#include "onefold/embedding_store/embedding_join.h"
#include "onefold/train/train_config.h"

namespace onefold {
namespace {

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::vector<std::string> first_id_lists(const Schema& schema) {
  std::vector<std::string> names;
  for (const std::string& group : schema.groups()) {
    if (group == kUserEmbedding) continue;
    for (const FeatureSpec& feature : schema.group_features(group)) {
      if (feature.kind != FeatureKind::kIdList) continue;
      names.push_back(feature.name);
      break;
    }
  }
  return names;
}

// The group's item lists and float lists in one block; none if it has no item list.
void add_block(const Schema& schema, const std::string& group,
               const std::vector<std::string>& item_features, BlockType type, ModelConfig& model) {
  BlockConfig block{.type = type, .group = group};
  for (const FeatureSpec& feature : schema.group_features(group)) {
    if (feature.kind == FeatureKind::kIdList && contains(item_features, feature.name)) {
      block.features.push_back(feature.name);
    }
    if (feature.kind == FeatureKind::kFloatList) block.floats.push_back(feature.name);
  }
  if (block.features.empty()) return;
  if (type == BlockType::kDin) block.query = {"item_id"};
  model.blocks.push_back(std::move(block));
}

}  // namespace

TrainConfig default_config(const Schema& schema, BlockType block_type,
                           const DefaultModelOptions& options) {
  TrainConfig config;
  ModelConfig& model = config.model;
  std::vector<std::string> item_features = options.item_features;
  if (item_features.empty()) item_features = first_id_lists(schema);
  model.tables.push_back({"item", options.item_rows});
  model.features.push_back({"item_id", "item"});
  for (const FeatureSpec& feature : schema.features) {
    if (feature.kind != FeatureKind::kId && feature.kind != FeatureKind::kIdList) continue;
    if (feature.group == kUserEmbedding) continue;  // words, not ids
    if (contains(item_features, feature.name)) {
      model.features.push_back({feature.name, "item"});
    } else {
      model.tables.push_back({feature.name, options.other_rows});
      model.features.push_back({feature.name, feature.name});
    }
  }
  for (const std::string& group : schema.groups()) {
    add_block(schema, group, item_features, block_type, model);
  }
  model = with_defaults(std::move(model), schema);
  return config;
}

}  // namespace onefold
