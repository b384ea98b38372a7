// SPDX-License-Identifier: Apache-2.0
#include "onefold/train/config_file.h"

#include <fmt/format.h>

#include "onefold/base/files.h"
#include "onefold/train/toml_section.h"

namespace onefold {
namespace {

Result<GroupAucBy> parse_group_auc_by(const std::string& word) {
  if (word == "user") return GroupAucBy::kUser;
  if (word == "session") return GroupAucBy::kSession;
  return invalid_argument(fmt::format("'{}' is no grouping; use user or session", word));
}

Status read_data(TomlSection section, DataConfig& data) {
  section.require("table", data.table);
  section.get("eval_table", data.eval_table);
  section.get("holdout", data.holdout);
  section.get("embeddings", data.embeddings);
  section.get("batch_size", data.batch_size);
  section.get("shuffle", data.shuffle);
  section.get("shuffle_row_groups", data.shuffle_row_groups);
  section.get("prefetch_batches", data.prefetch_batches);
  return section.finish();
}

Status read_model(TomlSection section, ModelConfig& model) {
  section.get("dim", model.dim);
  section.get("labels", model.labels);
  section.get("mse_labels", model.mse_labels);
  section.get("mse_weight", model.mse_weight);
  section.get("dense", model.dense);
  section.get("dense_log1p", model.dense_log1p);
  section.get("bottom", model.bottom);
  section.get("top", model.top);
  return section.finish();
}

Status read_table(TomlSection section, TableConfig& table) {
  section.require("name", table.name);
  section.get("rows", table.rows);
  section.get("dim", table.dim);
  return section.finish();
}

Status read_feature(TomlSection section, FeatureConfig& feature) {
  section.require("name", feature.name);
  section.require("table", feature.table);
  section.get("pooling", feature.pooling, parse_pooling);
  section.get("hash", feature.hash);
  section.get("truncate", feature.truncate);
  return section.finish();
}

Status read_block(TomlSection section, BlockConfig& block) {
  std::string type;
  section.require("type", type);
  section.get("type", block.type, parse_block_type);
  section.get("name", block.name);
  section.require("group", block.group);
  section.get("features", block.features);
  section.get("floats", block.floats);
  section.get("query", block.query);
  section.get("combine", block.combine, parse_combine);
  section.get("pooling", block.pooling, parse_pooling);
  section.get("dim", block.dim);
  section.get("max_length", block.max_length);
  section.get("hidden", block.hidden);
  section.get("layers", block.layers);
  section.get("heads", block.heads);
  section.get("ffn", block.ffn);
  return section.finish();
}

Status read_embedding(TomlSection section, EmbeddingConfig& embedding) {
  section.get("name", embedding.name);
  section.get("group", embedding.group);
  section.get("adapter", embedding.adapter, parse_adapter_type);
  section.get("outputs", embedding.outputs);
  section.get("into", embedding.into);
  section.get("default", embedding.empty, parse_empty_embedding);
  return section.finish();
}

Status read_upstream(TomlSection section, UpstreamConfig& upstream) {
  section.require("timelines", upstream.timelines);
  section.get("slices", upstream.slices);
  section.get("gap", upstream.gap_us, parse_duration);
  section.get("max_explicit", upstream.max_events[0]);
  section.get("max_implicit", upstream.max_events[1]);
  section.get("dim", upstream.dim);
  section.get("item_rows", upstream.table_rows.item);
  section.get("author_rows", upstream.table_rows.author);
  section.get("topic_rows", upstream.table_rows.topic);
  section.get("encoder", upstream.encoder.type, parse_encoder_type);
  section.get("axis", upstream.encoder.axis, parse_encoder_axis);
  section.get("mixer", upstream.encoder.mixer, parse_encoder_mixer);
  section.get("tokens", upstream.encoder.tokens);
  section.get("lce_tokens", upstream.encoder.lce_tokens);
  section.get("stride", upstream.encoder.stride);
  section.get("layers", upstream.encoder.layers);
  section.get("heads", upstream.encoder.heads);
  section.get("hidden", upstream.encoder.hidden);
  section.get("outputs", upstream.outputs);
  int64_t cache_mb = upstream.cache_bytes >> 20;
  section.get("cache_mb", cache_mb);
  upstream.cache_bytes = cache_mb << 20;
  return section.finish();
}

Status read_loop(TomlSection section, LoopConfig& loop) {
  section.get("epochs", loop.epochs);
  section.get("max_steps", loop.max_steps);
  section.get("learning_rate", loop.learning_rate);
  section.get("table_learning_rate", loop.table_learning_rate);
  section.get("seed", loop.seed);
  section.get("threads", loop.threads);
  section.get("dedup", loop.dedup);
  section.get("log_every", loop.log_every);
  section.get("eval_every", loop.eval_every);
  section.get("eval_batches", loop.eval_batches);
  section.get("group_auc_by", loop.group_auc_by, parse_group_auc_by);
  return section.finish();
}

Status read_checkpoint(TomlSection section, CheckpointConfig& checkpoint) {
  section.get("directory", checkpoint.directory);
  section.get("every", checkpoint.every);
  section.get("keep", checkpoint.keep);
  return section.finish();
}

// Reads every element of the array of tables `key` into `items`.
template <typename T, typename Read>
Status read_all(const std::string& file, const toml::table& root, const char* key,
                std::vector<T>& items, Read read) {
  const toml::node* node = root.get(key);
  if (node == nullptr) return {};
  const toml::array* array = node->as_array();
  const auto line = node->source().begin.line;
  if (array == nullptr || !array->is_homogeneous<toml::table>()) {
    return invalid_argument(fmt::format("{}:{}: write [[{}]], once for each", file, line, key));
  }
  for (const toml::node& item : *array) {
    T value;
    ONEFOLD_RETURN_IF_ERROR(
        read(TomlSection(file, fmt::format("[[{}]]", key), item.as_table()), value));
    items.push_back(std::move(value));
  }
  return {};
}

template <typename T, typename Read>
Status read_one(const std::string& file, const toml::table& root, const char* key, T& value,
                Read read) {
  const toml::node* node = root.get(key);
  if (node != nullptr && !node->is_table()) {
    return invalid_argument(fmt::format("{}:{}: '{}' must be a section: [{}]", file,
                                        node->source().begin.line, key, key));
  }
  return read(
      TomlSection(file, fmt::format("[{}]", key), node == nullptr ? nullptr : node->as_table()),
      value);
}

Result<TrainConfig> read_root(const toml::table& root, const std::string& file) {
  TrainConfig config;
  TomlSection sections(file, "the file", &root);
  for (const char* key : {"data", "model", "table", "feature", "block", "embedding", "upstream",
                          "train", "checkpoint"}) {
    sections.known(key);
  }
  ONEFOLD_RETURN_IF_ERROR(sections.finish());
  ONEFOLD_RETURN_IF_ERROR(read_one(file, root, "data", config.data, read_data));
  ONEFOLD_RETURN_IF_ERROR(read_one(file, root, "model", config.model, read_model));
  ONEFOLD_RETURN_IF_ERROR(read_all(file, root, "table", config.model.tables, read_table));
  ONEFOLD_RETURN_IF_ERROR(read_all(file, root, "feature", config.model.features, read_feature));
  ONEFOLD_RETURN_IF_ERROR(read_all(file, root, "block", config.model.blocks, read_block));
  ONEFOLD_RETURN_IF_ERROR(
      read_all(file, root, "embedding", config.model.embeddings, read_embedding));
  if (root.contains("upstream")) {
    ONEFOLD_RETURN_IF_ERROR(
        read_one(file, root, "upstream", config.model.upstream.emplace(), read_upstream));
  }
  ONEFOLD_RETURN_IF_ERROR(read_one(file, root, "train", config.loop, read_loop));
  ONEFOLD_RETURN_IF_ERROR(read_one(file, root, "checkpoint", config.checkpoint, read_checkpoint));
  return config;
}

}  // namespace

Result<TrainConfig> read_config_file(const std::string& path) {
  ONEFOLD_ASSIGN_OR_RETURN(const std::string text, read_file(path));
  return parse_config(text, path);
}

Result<TrainConfig> parse_config(const std::string& text, const std::string& name) {
  try {
    return read_root(toml::parse(text, name), name);
  } catch (const toml::parse_error& error) {
    return invalid_argument(fmt::format("{}:{}: not valid TOML: {}", name,
                                        error.source().begin.line, error.description()));
  }
}

}  // namespace onefold
