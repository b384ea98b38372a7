// SPDX-License-Identifier: Apache-2.0
// What a model is made of. Read from TOML (train/config_file.h) or built in code.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "onefold/base/status.h"
#include "onefold/jagged/schema.h"
#include "onefold/kernels/pooling.h"
#include "onefold/model/embedding_config.h"
#include "onefold/model/upstream_config.h"

namespace onefold {

// An embedding table: `rows` vectors of `dim` floats.
struct TableConfig {
  std::string name;
  int64_t rows = 0;
  int64_t dim = 0;  // 0: ModelConfig::dim

  bool operator==(const TableConfig&) const = default;
};

// Which table an id or id_list feature looks up. Several features may share one table.
struct FeatureConfig {
  std::string name;  // a feature of the schema, or "item_id", the candidate
  std::string table;
  Pooling pooling = Pooling::kMean;  // when no block takes the feature
  bool hash = true;                  // ids -> hash64(id) mod the table's rows
  int64_t truncate = 0;              // keep the newest `truncate` values; 0: all

  bool operator==(const FeatureConfig&) const = default;
};

enum class BlockType {
  kPool,         // "pool": sum or mean, on unique rows
  kDin,          // "din": candidate-aware weights, per sample (ops/din_attention.h)
  kTransformer,  // "transformer": self-attention, on unique rows
};

// How the id lists of a block become one list of vectors.
enum class Combine {
  kSum,     // "sum": added; every table must have the block's dim
  kConcat,  // "concat": side by side, then a linear layer to the block's dim
};

// Several parallel lists of one feature group -> one vector per unique row (per sample for din).
struct BlockConfig {
  std::string name;  // "" in a file: "<type>_<group>"
  BlockType type = BlockType::kPool;
  std::string group;
  std::vector<std::string> features;  // id lists of the group, of equal lengths row by row
  std::vector<std::string> floats;    // float lists of the group, the same; through log(1 + x)
  std::vector<std::string> query;     // din: per-sample id features, in the order of `features`
  Combine combine = Combine::kSum;
  Pooling pooling = Pooling::kMean;  // pool
  int64_t dim = 0;                   // 0: ModelConfig::dim
  int64_t max_length = 200;          // newest values kept
  int64_t hidden = 32;               // din: width of the activation unit
  int64_t layers = 1;                // transformer
  int64_t heads = 2;                 // transformer
  int64_t ffn = 0;                   // transformer; 0: 4 * dim

  bool operator==(const BlockConfig&) const = default;
};

struct ModelConfig {
  int64_t dim = 32;                         // of the vectors that interact
  std::vector<std::string> labels = {"*"};  // one logit each; "*": all that are 0 or 1
  std::vector<std::string> mse_labels;      // values: one prediction of log(1 + value) each
  double mse_weight = 1;                    // of their squared errors in the loss
  std::vector<std::string> dense = {"*"};   // "*": all of the schema
  bool dense_log1p = true;                  // x -> sign(x) log(1 + |x|) before the bottom MLP
  std::vector<int64_t> bottom = {64};       // hidden widths; the output is `dim`
  std::vector<int64_t> top = {128, 64};     // hidden widths; the output is one logit per label
  std::vector<TableConfig> tables;
  std::vector<FeatureConfig> features;
  std::vector<BlockConfig> blocks;
  std::vector<EmbeddingConfig> embeddings;  // of other models
  std::optional<UpstreamConfig> upstream;   // a user encoder, trained as part of this model

  bool operator==(const ModelConfig&) const = default;
};

const char* to_string(BlockType type);
const char* to_string(Combine combine);
const char* to_string(Pooling pooling);
Result<BlockType> parse_block_type(const std::string& name);
Result<Combine> parse_combine(const std::string& name);
Result<Pooling> parse_pooling(const std::string& name);

// Fills in what 0, "" or "*" stands for: dims, ffn, block names, labels, dense features.
ModelConfig with_defaults(ModelConfig config, const Schema& schema);

// The first thing in a config (after with_defaults) that cannot work with `schema`, as one line:
// kNotFound for a table, feature or label that is not there, kInvalidArgument for a bad number,
// kSchema for a feature of the wrong kind or group.
Status check_model(const ModelConfig& config, const Schema& schema);

}  // namespace onefold
