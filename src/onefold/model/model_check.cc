// SPDX-License-Identifier: Apache-2.0
// check_model: every way in which a configuration and a schema can disagree, one line each.
#include <algorithm>
#include <set>

#include <fmt/ranges.h>

#include "onefold/base/nearest_name.h"
#include "onefold/model/model_config.h"

namespace onefold {
namespace {

const TableConfig* find_table(const ModelConfig& config, const std::string& name) {
  for (const TableConfig& table : config.tables) {
    if (table.name == name) return &table;
  }
  return nullptr;
}

const FeatureConfig* find_feature(const ModelConfig& config, const std::string& name) {
  for (const FeatureConfig& feature : config.features) {
    if (feature.name == name) return &feature;
  }
  return nullptr;
}

Status check_positive(int64_t value, const std::string& what) {
  if (value > 0) return {};
  return invalid_argument(fmt::format("{} is {}; it must be at least 1", what, value));
}

Status check_widths(const std::vector<int64_t>& widths, const char* key) {
  for (int64_t width : widths) ONEFOLD_RETURN_IF_ERROR(check_positive(width, key));
  return {};
}

Status check_tables(const ModelConfig& config) {
  std::set<std::string> names;
  for (const TableConfig& table : config.tables) {
    if (!names.insert(table.name).second) {
      return invalid_argument(fmt::format("table '{}' is defined twice", table.name));
    }
    ONEFOLD_RETURN_IF_ERROR(
        check_positive(table.rows, fmt::format("rows of table '{}'", table.name)));
    ONEFOLD_RETURN_IF_ERROR(
        check_positive(table.dim, fmt::format("dim of table '{}'", table.name)));
    if (table.rows > INT32_MAX) {
      return invalid_argument(fmt::format("table '{}' has {} rows; at most {} are supported",
                                          table.name, table.rows, INT32_MAX));
    }
  }
  return {};
}

bool holds_ids(const FeatureSpec& feature) {
  return feature.kind == FeatureKind::kId || feature.kind == FeatureKind::kIdList;
}

std::string not_in_schema(const std::string& name, const Schema& schema) {
  std::vector<std::string> names;
  for (const FeatureSpec& feature : schema.features) names.push_back(feature.name);
  const std::string nearest = nearest_name(name, names);
  return "is not in the table's schema" +
         (nearest.empty() ? "" : fmt::format("; did you mean '{}'?", nearest));
}

Status check_features(const ModelConfig& config, const Schema& schema) {
  std::set<std::string> names;
  for (const FeatureConfig& feature : config.features) {
    if (!names.insert(feature.name).second) {
      return invalid_argument(fmt::format("feature '{}' is configured twice", feature.name));
    }
    if (find_table(config, feature.table) == nullptr) {
      return not_found(fmt::format("feature '{}' looks up table '{}', which no [[table]] defines",
                                   feature.name, feature.table));
    }
    if (feature.truncate < 0) {
      return invalid_argument(fmt::format("truncate of feature '{}' is negative", feature.name));
    }
    if (feature.name == "item_id") continue;
    const FeatureSpec* spec = schema.find(feature.name);
    if (spec == nullptr) {
      return not_found(
          fmt::format("feature '{}' {}", feature.name, not_in_schema(feature.name, schema)));
    }
    if (!holds_ids(*spec)) {
      return schema_error(fmt::format("feature '{}' is {}; a [[feature]] needs id or id_list",
                                      feature.name, to_string(spec->kind)));
    }
  }
  return {};
}

Status check_mse_labels(const ModelConfig& config, const Schema& schema) {
  if (!(config.mse_weight > 0)) {
    return invalid_argument(fmt::format("mse_weight is {}; it must be above 0", config.mse_weight));
  }
  for (const std::string& name : config.mse_labels) {
    const bool known = std::any_of(schema.labels.begin(), schema.labels.end(),
                                   [&](const LabelSpec& label) { return label.name == name; });
    if (!known) return not_found(fmt::format("mse_labels: the table has no label '{}'", name));
    if (std::count(config.labels.begin(), config.labels.end(), name) > 0) {
      return invalid_argument(fmt::format("label '{}' is in labels and in mse_labels", name));
    }
  }
  return {};
}

Status check_columns(const ModelConfig& config, const Schema& schema) {
  ONEFOLD_RETURN_IF_ERROR(check_mse_labels(config, schema));
  if (config.labels.empty()) return invalid_argument("labels is empty; name at least one label");
  const std::vector<std::string> labels = schema.label_names();
  for (const std::string& name : config.labels) {
    if (std::find(labels.begin(), labels.end(), name) == labels.end()) {
      return not_found(fmt::format("label '{}' is not in the table's schema; its labels are {}",
                                   name, fmt::join(labels, ", ")));
    }
  }
  for (const std::string& name : config.dense) {
    const FeatureSpec* spec = schema.find(name);
    if (spec == nullptr) {
      return not_found(fmt::format("dense feature '{}' {}", name, not_in_schema(name, schema)));
    }
    if (spec->kind != FeatureKind::kDense) {
      return schema_error(
          fmt::format("'{}' is listed in dense but is {}", name, to_string(spec->kind)));
    }
  }
  return {};
}

// A list that a block reads: in the schema, in the block's group, of `kind`.
Status check_list(const BlockConfig& block, const std::string& name, FeatureKind kind,
                  const Schema& schema) {
  const FeatureSpec* spec = schema.find(name);
  if (spec == nullptr) {
    return not_found(
        fmt::format("block '{}': feature '{}' {}", block.name, name, not_in_schema(name, schema)));
  }
  if (spec->group != block.group) {
    return schema_error(fmt::format("block '{}': feature '{}' is in group '{}', not in '{}'",
                                    block.name, name, spec->group, block.group));
  }
  if (spec->kind != kind) {
    return schema_error(fmt::format("block '{}': feature '{}' is {}, not {}", block.name, name,
                                    to_string(spec->kind), to_string(kind)));
  }
  return {};
}

// The dim of the table that `feature` looks up, which must be the block's when embeddings are
// added.
Status check_block_dim(const ModelConfig& config, const BlockConfig& block,
                       const std::string& name) {
  const FeatureConfig* feature = find_feature(config, name);
  if (feature == nullptr) {
    return not_found(
        fmt::format("block '{}': no [[feature]] says which table '{}' looks up", block.name, name));
  }
  const TableConfig* table = find_table(config, feature->table);
  if (block.combine == Combine::kSum && table->dim != block.dim) {
    return invalid_argument(
        fmt::format("block '{}' has dim {} but table '{}' has dim {}; make them equal or set "
                    "combine = \"concat\"",
                    block.name, block.dim, table->name, table->dim));
  }
  return {};
}

Status check_din(const ModelConfig& config, const BlockConfig& block, const Schema& schema) {
  if (block.query.empty()) {
    return invalid_argument(
        fmt::format("block '{}': din needs query, the candidate's features, for "
                    "example query = [\"item_id\"]",
                    block.name));
  }
  for (const std::string& name : block.query) {
    ONEFOLD_RETURN_IF_ERROR(check_block_dim(config, block, name));
    const FeatureSpec* spec = schema.find(name);
    if (spec != nullptr && !spec->group.empty()) {
      return schema_error(
          fmt::format("block '{}': query feature '{}' is in group '{}'; a query is "
                      "stored per sample",
                      block.name, name, spec->group));
    }
  }
  if (block.hidden < 2) {  // ops/row_linear.h: one output is a matrix-vector product
    return invalid_argument(
        fmt::format("hidden of block '{}' is {}; it must be at least 2", block.name, block.hidden));
  }
  return {};
}

Status check_transformer(const BlockConfig& block) {
  for (auto [value, key] :
       {std::pair{block.layers, "layers"}, {block.heads, "heads"}, {block.ffn, "ffn"}}) {
    ONEFOLD_RETURN_IF_ERROR(
        check_positive(value, fmt::format("{} of block '{}'", key, block.name)));
  }
  if (block.dim % block.heads != 0) {
    return invalid_argument(fmt::format("block '{}': dim {} is not a multiple of heads {}",
                                        block.name, block.dim, block.heads));
  }
  return {};
}

Status check_block(const ModelConfig& config, const BlockConfig& block, const Schema& schema) {
  if (block.features.empty()) {
    return invalid_argument(fmt::format("block '{}' lists no features", block.name));
  }
  ONEFOLD_RETURN_IF_ERROR(check_positive(block.dim, fmt::format("dim of block '{}'", block.name)));
  ONEFOLD_RETURN_IF_ERROR(
      check_positive(block.max_length, fmt::format("max_length of block '{}'", block.name)));
  for (const std::string& name : block.features) {
    ONEFOLD_RETURN_IF_ERROR(check_list(block, name, FeatureKind::kIdList, schema));
    ONEFOLD_RETURN_IF_ERROR(check_block_dim(config, block, name));
  }
  for (const std::string& name : block.floats) {
    ONEFOLD_RETURN_IF_ERROR(check_list(block, name, FeatureKind::kFloatList, schema));
  }
  if (block.type == BlockType::kTransformer) return check_transformer(block);
  if (block.type == BlockType::kDin) return check_din(config, block, schema);
  return {};
}

Status check_prepend(const ModelConfig& config, const EmbeddingConfig& embedding) {
  const auto block = std::find_if(config.blocks.begin(), config.blocks.end(),
                                  [&](const auto& b) { return b.name == embedding.into; });
  if (embedding.into.empty() || block == config.blocks.end()) {
    return not_found(
        fmt::format("embedding '{}': prepend needs into, the name of a transformer block; there is "
                    "no block '{}'",
                    embedding.name, embedding.into));
  }
  if (block->type != BlockType::kTransformer) {
    return invalid_argument(
        fmt::format("embedding '{}': prepend works on a transformer block; '{}' is {}",
                    embedding.name, block->name, to_string(block->type)));
  }
  for (const EmbeddingConfig& other : config.embeddings) {
    if (&other != &embedding && other.into == embedding.into) {
      return invalid_argument(
          fmt::format("embeddings '{}' and '{}' are both prepended to block '{}'", embedding.name,
                      other.name, embedding.into));
    }
  }
  return {};
}

Status check_embedding(const ModelConfig& config, const EmbeddingConfig& embedding,
                       const Schema& schema) {
  const FeatureSpec* words = schema.find(embedding.feature);
  if (words == nullptr || words->group != embedding.group || embedding.shape.num_values() == 0) {
    return not_found(
        fmt::format("embedding '{}': there are no user embeddings in a group '{}'; build the table "
                    "with --embeddings STORE or set embeddings in [data]",
                    embedding.name, embedding.group));
  }
  ONEFOLD_RETURN_IF_ERROR(
      check_positive(embedding.outputs, fmt::format("outputs of embedding '{}'", embedding.name)));
  if (embedding.adapter == AdapterType::kPrepend) return check_prepend(config, embedding);
  if (!embedding.into.empty()) {
    return invalid_argument(fmt::format("embedding '{}': into is for adapter = \"prepend\", not {}",
                                        embedding.name, to_string(embedding.adapter)));
  }
  if (embedding.adapter == AdapterType::kNone && (config.top.empty() || config.top.front() < 2)) {
    return invalid_argument(fmt::format(
        "embedding '{}': adapter = \"none\" goes to the hidden layers in top; give it one of width "
        "2 or more",
        embedding.name));
  }
  return {};
}

bool has_vectors(const EmbeddingConfig& embedding) {
  return embedding.adapter == AdapterType::kLinear || embedding.adapter == AdapterType::kGate;
}

}  // namespace

Status check_model(const ModelConfig& config, const Schema& schema) {
  ONEFOLD_RETURN_IF_ERROR(check_positive(config.dim, "dim of the model"));
  ONEFOLD_RETURN_IF_ERROR(check_widths(config.bottom, "a width in bottom"));
  ONEFOLD_RETURN_IF_ERROR(check_widths(config.top, "a width in top"));
  ONEFOLD_RETURN_IF_ERROR(check_tables(config));
  ONEFOLD_RETURN_IF_ERROR(check_features(config, schema));
  ONEFOLD_RETURN_IF_ERROR(check_columns(config, schema));
  std::set<std::string> names;
  for (const BlockConfig& block : config.blocks) {
    if (!names.insert(block.name).second) {
      return invalid_argument(
          fmt::format("two blocks are named '{}'; give them names", block.name));
    }
    ONEFOLD_RETURN_IF_ERROR(check_block(config, block, schema));
  }
  for (const EmbeddingConfig& embedding : config.embeddings) {
    if (!names.insert(embedding.name).second) {
      return invalid_argument(
          fmt::format("two blocks or embeddings are named '{}'; give them names", embedding.name));
    }
    ONEFOLD_RETURN_IF_ERROR(check_embedding(config, embedding, schema));
  }
  if (config.features.empty() && config.dense.empty() && !config.upstream &&
      std::none_of(config.embeddings.begin(), config.embeddings.end(), has_vectors)) {
    return invalid_argument("the model reads nothing: no [[feature]] and no dense features");
  }
  return {};
}

}  // namespace onefold
