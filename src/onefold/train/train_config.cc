// SPDX-License-Identifier: Apache-2.0
#include "onefold/train/train_config.h"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "onefold/base/hash.h"
#include "onefold/train/upstream_file.h"

namespace onefold {
namespace {

const TableConfig& table_of(const ModelConfig& model, const FeatureConfig& feature) {
  for (const TableConfig& table : model.tables) {
    if (table.name == feature.table) return table;
  }
  ONEFOLD_CHECK(false, "no table '" + feature.table + "'");
}

nlohmann::json model_json(const ModelConfig& model) {
  nlohmann::json json = {{"dim", model.dim},       {"labels", model.labels},
                         {"dense", model.dense},   {"dense_log1p", model.dense_log1p},
                         {"bottom", model.bottom}, {"top", model.top}};
  for (const TableConfig& table : model.tables) {
    json["tables"].push_back({table.name, table.rows, table.dim});
  }
  for (const FeatureConfig& feature : model.features) {
    json["features"].push_back(
        {feature.name, feature.table, to_string(feature.pooling), feature.hash, feature.truncate});
  }
  for (const BlockConfig& block : model.blocks) {
    json["blocks"].push_back({block.name, to_string(block.type), block.group, block.features,
                              block.floats, block.query, to_string(block.combine),
                              to_string(block.pooling), block.dim, block.max_length, block.hidden,
                              block.layers, block.heads, block.ffn});
  }
  for (const EmbeddingConfig& embedding : model.embeddings) {
    json["embeddings"].push_back({embedding.name, embedding.group, to_string(embedding.adapter),
                                  embedding.outputs, embedding.into, to_string(embedding.empty),
                                  embedding.shape.tokens, embedding.shape.dim, embedding.model,
                                  embedding.slices});
  }
  if (model.upstream) json["upstream"] = to_json(*model.upstream);
  // Absent where there are none, so that older checkpoints keep their hash.
  if (!model.mse_labels.empty()) json["mse"] = {model.mse_labels, model.mse_weight};
  return json;
}

// Fills in the slices that `upstream.slices` names.
Status load_slices(UpstreamConfig& upstream) {
  if (upstream.slice_set.size() > 0) return {};
  ONEFOLD_ASSIGN_OR_RETURN(upstream.slice_set, SliceSet::load(upstream.slices));
  return lay_out_slices(upstream.slice_set).status();
}

}  // namespace

Status check_config(const TrainConfig& config) {
  const DataConfig& data = config.data;
  const LoopConfig& loop = config.loop;
  for (auto [value, key] : {std::pair{data.batch_size, "batch_size"},
                            {data.shuffle_row_groups, "shuffle_row_groups"},
                            {loop.log_every, "log_every"},
                            {config.checkpoint.every, "checkpoint every"},
                            {config.checkpoint.keep, "keep"}}) {
    if (value < 1) {
      return invalid_argument(fmt::format("{} is {}; it must be at least 1", key, value));
    }
  }
  for (auto [value, key] : {std::pair{loop.epochs, "epochs"},
                            {loop.max_steps, "max_steps"},
                            {loop.threads, "threads"},
                            {loop.eval_every, "eval_every"},
                            {loop.eval_batches, "eval_batches"},
                            {data.prefetch_batches, "prefetch_batches"}}) {
    if (value < 0)
      return invalid_argument(fmt::format("{} is {}; it cannot be negative", key, value));
  }
  // Far above what helps; beyond it the OpenMP runtime fails, and ends the program.
  for (auto [value, key] :
       {std::pair{loop.threads, "threads"}, {data.prefetch_batches, "prefetch_batches"}}) {
    if (value > 1024) {
      return invalid_argument(fmt::format("{} is {}; it must be at most 1024", key, value));
    }
  }
  for (auto [value, key] : {std::pair{loop.learning_rate, "learning_rate"},
                            {loop.table_learning_rate, "table_learning_rate"}}) {
    if (!(value > 0))
      return invalid_argument(fmt::format("{} is {}; it must be above 0", key, value));
  }
  if (!(data.holdout >= 0 && data.holdout < 1)) {
    return invalid_argument(
        fmt::format("holdout is {}; it is a share of the sessions, 0 to below 1", data.holdout));
  }
  if (!data.eval_table.empty() && data.holdout > 0) {
    return invalid_argument("eval_table and holdout are both set; choose one");
  }
  return {};
}

Result<TrainConfig> resolve(TrainConfig config, const Schema& schema) {
  config.model = with_defaults(std::move(config.model), schema);
  ONEFOLD_RETURN_IF_ERROR(check_config(config));
  ONEFOLD_RETURN_IF_ERROR(check_model(config.model, schema));
  if (config.model.upstream) {
    ONEFOLD_RETURN_IF_ERROR(check_upstream(*config.model.upstream));
    ONEFOLD_RETURN_IF_ERROR(load_slices(*config.model.upstream));
  }
  return config;
}

std::vector<FeatureTransform> make_transforms(const ModelConfig& model) {
  std::vector<FeatureTransform> transforms;
  // Truncation first: what is cut need not be hashed.
  for (const BlockConfig& block : model.blocks) {
    for (const auto* lists : {&block.features, &block.floats}) {
      for (const std::string& name : *lists) {
        transforms.push_back({name, FeatureTransform::Kind::kTruncate, block.max_length});
      }
    }
  }
  for (const FeatureConfig& feature : model.features) {
    if (feature.truncate > 0) {
      transforms.push_back({feature.name, FeatureTransform::Kind::kTruncate, feature.truncate});
    }
  }
  for (const FeatureConfig& feature : model.features) {
    if (feature.hash) {
      transforms.push_back(
          {feature.name, FeatureTransform::Kind::kHash, table_of(model, feature).rows});
    }
  }
  return transforms;
}

std::vector<std::string> columns_read(const ModelConfig& model) {
  std::vector<std::string> columns = model.labels;
  columns.insert(columns.end(), model.mse_labels.begin(), model.mse_labels.end());
  columns.insert(columns.end(), model.dense.begin(), model.dense.end());
  for (const FeatureConfig& feature : model.features) {
    if (feature.name != "item_id") columns.push_back(feature.name);
  }
  for (const BlockConfig& block : model.blocks) {
    columns.insert(columns.end(), block.floats.begin(), block.floats.end());
  }
  for (const EmbeddingConfig& embedding : model.embeddings) columns.push_back(embedding.feature);
  std::sort(columns.begin(), columns.end());
  columns.erase(std::unique(columns.begin(), columns.end()), columns.end());
  return columns;
}

std::string config_hash(const TrainConfig& config) {
  const nlohmann::json json = {{"model", model_json(config.model)},
                               {"batch_size", config.data.batch_size},
                               {"shuffle", config.data.shuffle},
                               {"shuffle_row_groups", config.data.shuffle_row_groups},
                               {"holdout", config.data.holdout},
                               {"learning_rate", config.loop.learning_rate},
                               {"table_learning_rate", config.loop.table_learning_rate},
                               {"seed", config.loop.seed}};
  const std::string text = json.dump();
  return fmt::format("{:016x}", hash64(text.data(), text.size()));
}

const char* to_string(GroupAucBy by) { return by == GroupAucBy::kUser ? "user" : "session"; }

}  // namespace onefold
