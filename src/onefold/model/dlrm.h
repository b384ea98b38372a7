// SPDX-License-Identifier: Apache-2.0
// Dlrm: the ranking model. Everything a user's payload decides is computed on unique rows; the
// expansion to samples comes last, right before the interaction.
//
//   unique rows   lookups -> pooling / blocks -> projections    [U, k * dim] per group
//                 stored words -> user embedding -> adapter     with an [[embedding]]
//                 timelines -> user embedding -> adapter        with an [upstream] section
//   expansion                                                   [B, k * dim]
//   per sample    bottom MLP, candidate lookups, dot interaction, top MLP -> [B, T] logits
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include <ATen/core/TensorBody.h>

#include "onefold/model/embedding_adapter.h"
#include "onefold/model/embedding_input.h"
#include "onefold/model/embedding_table.h"
#include "onefold/model/linear.h"
#include "onefold/model/model_config.h"
#include "onefold/model/parameters.h"
#include "onefold/model/sequence_block.h"
#include "onefold/model/user_encoder.h"
#include "onefold/ops/batch_tensors.h"

namespace onefold {

class Dlrm {
 public:
  // REQUIRES: with_defaults() and check_model() were applied.
  Dlrm(const ModelConfig& config, uint64_t seed, at::ScalarType dtype = at::kFloat);

  // What to make of a Batch for forward().
  const TensorPlan& plan() const { return plan_; }

  // Logits of the labels, then predictions of the mse_labels [B, T]. `table_rows[t]`: the rows
  // batch.table_ids[t] of table t, from EmbeddingTable::gather(). kSchema when lists of one block
  // differ in length.
  Result<at::Tensor> forward(const BatchTensors& batch,
                             const std::vector<at::Tensor>& table_rows) const;

  const ModelConfig& config() const { return config_; }
  const Parameters& parameters() const { return parameters_; }
  // Those of the configuration, then those of the user encoder.
  const std::vector<EmbeddingTable>& tables() const { return tables_; }
  const UserEncoder* user_encoder() const { return user_encoder_ ? &*user_encoder_ : nullptr; }

 private:
  // A feature that no block takes: pooled by itself.
  struct PooledFeature {
    int lookup = 0;  // index into plan_.lookups
    Pooling pooling = Pooling::kMean;
    Linear projection;  // if its table's dim is not the model's
  };
  struct Block {
    std::vector<int> ids, floats, query;  // indices into plan_.lookups, .float_lists, .lookups
    std::unique_ptr<SequenceBlock> body;
    Linear projection;
    std::string name;
    int prefix = -1;  // index into embeddings_: its tokens come before the values
  };
  // The vectors of one forward pass, where they were computed.
  struct Vectors {
    std::vector<std::vector<at::Tensor>> per_group;  // [U, k * dim] each
    at::Tensor upstream;                             // [U, outputs * dim]
    std::vector<at::Tensor> per_sample;              // [B, dim] each
    std::vector<at::Tensor> tokens;                  // of each embedding that is prepended
    at::Tensor top_addend;                           // [B, first width of top], of raw embeddings
  };

  void add_pooled_features();
  void add_blocks();
  void add_embeddings();
  void add_upstream();
  int64_t table_dim(int lookup) const;
  Linear projection(const std::string& name, int64_t from);
  int num_vectors() const;

  at::Tensor lookup_pooled(const BatchTensors& batch, const std::vector<at::Tensor>& table_rows,
                           int lookup, Pooling pooling) const;
  Status run_block(const Block& block, const BatchTensors& batch,
                   const std::vector<at::Tensor>& table_rows, Vectors& vectors) const;
  void run_embeddings(const BatchTensors& batch, Vectors& vectors) const;
  at::Tensor run_upstream(const BatchTensors& batch,
                          const std::vector<at::Tensor>& table_rows) const;
  std::vector<at::Tensor> expand(const BatchTensors& batch, const Vectors& vectors) const;

  ModelConfig config_;
  TensorPlan plan_;
  Parameters parameters_;
  std::vector<EmbeddingTable> tables_;
  Mlp bottom_, top_;
  std::vector<PooledFeature> pooled_;
  std::vector<Block> blocks_;
  std::vector<EmbeddingInput> embeddings_;  // as ModelConfig::embeddings
  std::optional<UserEncoder> user_encoder_;
  std::optional<EmbeddingAdapter> upstream_adapter_;
};

}  // namespace onefold
