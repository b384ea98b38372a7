// SPDX-License-Identifier: Apache-2.0
// TrainConfig: everything a training run is told. docs/config.md describes each key.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "onefold/base/status.h"
#include "onefold/jagged/schema.h"
#include "onefold/model/model_config.h"
#include "onefold/reader/transform.h"

namespace onefold {

struct DataConfig {
  std::string table;
  std::string eval_table;  // evaluated on, if set; else `holdout`
  double holdout = 0;      // share of sessions kept from training and evaluated on
  std::string embeddings;  // embedding store joined while reading; "": what the table has
  int64_t batch_size = 1024;
  bool shuffle = true;
  int64_t shuffle_row_groups = 4;
  int64_t prefetch_batches = 4;
};

enum class GroupAucBy { kUser, kSession };

struct LoopConfig {
  int64_t epochs = 1;
  int64_t max_steps = 0;              // 0: no limit but `epochs`
  double learning_rate = 1e-3;        // Adam, dense parameters
  double table_learning_rate = 0.02;  // row-wise Adagrad, embedding tables
  uint64_t seed = 1;                  // initial weights and order of batches
  int64_t threads = 0;                // 0: libtorch's choice
  bool dedup = true;                  // off: every sample carries its own rows (U == B)
  int64_t log_every = 100;            // steps
  int64_t eval_every = 0;             // steps; 0: at the end only
  int64_t eval_batches = 0;           // 0: all
  GroupAucBy group_auc_by = GroupAucBy::kUser;
};

struct CheckpointConfig {
  std::string directory;  // "": none are written
  int64_t every = 1000;   // steps; one more at the end
  int64_t keep = 2;       // newest kept, older ones removed
};

struct TrainConfig {
  DataConfig data;
  ModelConfig model;
  LoopConfig loop;
  CheckpointConfig checkpoint;
};

// Checks numbers that need no schema: kInvalidArgument.
Status check_config(const TrainConfig& config);

// Fills in every default that depends on the schema, then check_config() and check_model(). Loads
// an upstream model's slices: kNotFound and kInvalidArgument as SliceSet::load().
Result<TrainConfig> resolve(TrainConfig config, const Schema& schema);

// What the reader has to do to ids and lists before the model sees them: hash ids to their table's
// rows, cut lists to the newest `truncate` or `max_length`. REQUIRES: a resolved configuration.
std::vector<FeatureTransform> make_transforms(const ModelConfig& model);

// Names of the schema's features and labels that the model reads.
std::vector<std::string> columns_read(const ModelConfig& model);

// XXH3 of what decides the weights that a run arrives at: the model, optimizers, seed, batch size
// and order; not paths, thread count, dedup or how long and how often. A checkpoint can be resumed
// by a configuration of equal hash. 16 hex digits.
std::string config_hash(const TrainConfig& config);

const char* to_string(GroupAucBy by);

struct DefaultModelOptions {
  // Features that hold item ids and share one table with item_id. Empty: the first id list of each
  // group, which is what a history of items usually is.
  std::vector<std::string> item_features;
  int64_t item_rows = 1 << 17;   // rows of the items' table
  int64_t other_rows = 1 << 14;  // of every other id feature's own table
};

// A sensible model for a schema, to start from: every id feature looked up, every group's item list
// in one `block_type` block with its float lists, all dense features, all binary labels.
TrainConfig default_config(const Schema& schema, BlockType block_type,
                           const DefaultModelOptions& options = {});

}  // namespace onefold
