// SPDX-License-Identifier: Apache-2.0
#include "onefold/model/dlrm.h"

#include <algorithm>

#include <ATen/ops/cat.h>
#include <ATen/ops/equal.h>
#include <fmt/format.h>

#include "onefold/model/tensor_plan.h"
#include "onefold/ops/dot_interaction.h"
#include "onefold/ops/expand.h"
#include "onefold/ops/timeline_tensors.h"

namespace onefold {
namespace {

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool has_vectors(AdapterType type) {
  return type == AdapterType::kLinear || type == AdapterType::kGate;
}

// Rows of a group [U, ...] to samples [B, ...].
at::Tensor expand_group(const GroupTensors& group, const at::Tensor& unique) {
  return group.is_identity ? unique : onefold::expand(unique, group.fold);
}

}  // namespace

Dlrm::Dlrm(const ModelConfig& config, uint64_t seed, at::ScalarType dtype)
    : config_(config),
      plan_(make_tensor_plan(config)),
      parameters_(seed, dtype),
      tables_(make_tables(config, parameters_)) {
  if (!config_.dense.empty()) {
    bottom_ = Mlp(parameters_, "bottom", static_cast<int64_t>(config_.dense.size()), config_.bottom,
                  config_.dim, /*final_activation=*/true);
  }
  add_pooled_features();
  add_blocks();
  add_embeddings();
  add_upstream();
  const int64_t count = num_vectors();
  top_ = Mlp(parameters_, "top", count * config_.dim + count * (count - 1) / 2, config_.top,
             static_cast<int64_t>(plan_.labels.size()), /*final_activation=*/false);
}

void Dlrm::add_pooled_features() {
  for (size_t i = 0; i < config_.features.size(); ++i) {
    const FeatureConfig& feature = config_.features[i];
    const bool taken = std::any_of(
        config_.blocks.begin(), config_.blocks.end(),
        [&](const BlockConfig& block) { return contains(block.features, feature.name); });
    if (taken) continue;
    const int lookup = static_cast<int>(i);
    pooled_.push_back(
        {lookup, feature.pooling, projection(feature.name + ".projection", table_dim(lookup))});
  }
}

void Dlrm::add_blocks() {
  for (const BlockConfig& config : config_.blocks) {
    Block block;
    block.name = config.name;
    BlockDims dims;
    for (const std::string& name : config.features) {
      block.ids.push_back(lookup_index(plan_, name));
      dims.ids.push_back(table_dim(block.ids.back()));
    }
    for (const std::string& name : config.query) {
      block.query.push_back(lookup_index(plan_, name));
      dims.query.push_back(table_dim(block.query.back()));
    }
    for (const std::string& name : config.floats) {
      block.floats.push_back(float_list_index(plan_, name));
    }
    block.body = make_block(config, dims, parameters_);
    block.projection = projection(config.name + ".projection", config.dim);
    blocks_.push_back(std::move(block));
  }
}

void Dlrm::add_embeddings() {
  for (const EmbeddingConfig& config : config_.embeddings) {
    int64_t width = config_.dim;
    if (config.adapter == AdapterType::kNone) width = config_.top.front();
    for (size_t b = 0; config.adapter == AdapterType::kPrepend && b < blocks_.size(); ++b) {
      if (blocks_[b].name != config.into) continue;
      width = config_.blocks[b].dim;
      blocks_[b].prefix = static_cast<int>(embeddings_.size());
    }
    embeddings_.emplace_back(config, width, parameters_);
  }
}

void Dlrm::add_upstream() {
  if (!config_.upstream) return;
  const UpstreamConfig& config = *config_.upstream;
  user_encoder_.emplace(UserEncoder::make(config, parameters_).value());
  for (EmbeddingTable& table : user_encoder_->make_tables(parameters_)) {
    tables_.push_back(std::move(table));
  }
  upstream_adapter_.emplace(
      AdapterType::kLinear,
      EmbeddingShape{static_cast<int32_t>(config.encoder.tokens), static_cast<int32_t>(config.dim)},
      config.outputs, config_.dim, "upstream.adapter", parameters_);
}

int64_t Dlrm::table_dim(int lookup) const {
  return config_.tables[plan_.lookups[lookup].table].dim;
}

Linear Dlrm::projection(const std::string& name, int64_t from) {
  return from == config_.dim ? Linear() : Linear(parameters_, name, from, config_.dim);
}

int Dlrm::num_vectors() const {
  int64_t count = static_cast<int64_t>(pooled_.size() + blocks_.size()) + !config_.dense.empty();
  if (config_.upstream) count += config_.upstream->outputs;
  for (const EmbeddingConfig& embedding : config_.embeddings) {
    if (has_vectors(embedding.adapter)) count += embedding.outputs;
  }
  return static_cast<int>(count);
}

Result<at::Tensor> Dlrm::forward(const BatchTensors& batch,
                                 const std::vector<at::Tensor>& table_rows) const {
  Vectors vectors;
  vectors.per_group.resize(batch.groups.size());
  if (!config_.dense.empty()) {
    vectors.per_sample.push_back(bottom_.per_sample(batch.dense.to(parameters_.dtype())));
  }
  for (const PooledFeature& feature : pooled_) {
    at::Tensor pooled = lookup_pooled(batch, table_rows, feature.lookup, feature.pooling);
    if (feature.projection.defined()) pooled = feature.projection.per_row(pooled);
    const int group = batch.lookups[feature.lookup].group;
    (group < 0 ? vectors.per_sample : vectors.per_group[group]).push_back(pooled);
  }
  run_embeddings(batch, vectors);
  for (const Block& block : blocks_) {
    ONEFOLD_RETURN_IF_ERROR(run_block(block, batch, table_rows, vectors));
  }
  if (user_encoder_) vectors.upstream = run_upstream(batch, table_rows);
  std::vector<at::Tensor> columns = expand(batch, vectors);
  at::Tensor all = at::cat(columns, 1);  // [B, F * dim]
  if (num_vectors() > 1) {
    all = at::cat({all, dot_interaction(all.view({batch.num_samples, -1, config_.dim}))}, 1);
  }
  return top_.per_sample(all, vectors.top_addend);
}

at::Tensor Dlrm::lookup_pooled(const BatchTensors& batch, const std::vector<at::Tensor>& table_rows,
                               int lookup, Pooling pooling) const {
  const JaggedIndex& index = batch.lookups[lookup];
  const TableLookup ids{table_rows[plan_.lookups[lookup].table], index.ids};
  return index.windows ? pool_windows(look_up(ids), *index.windows, pooling)
                       : look_up_pooled(ids, index.offsets, pooling);
}

Status Dlrm::run_block(const Block& block, const BatchTensors& batch,
                       const std::vector<at::Tensor>& table_rows, Vectors& vectors) const {
  const JaggedIndex& first = batch.lookups[block.ids.front()];
  const GroupTensors& group = batch.groups[first.group];
  SequenceInput input{
      .ids = {}, .floats = {}, .offsets = first.offsets, .query = {}, .fold = group.fold};
  if (first.windows) input.windows = *first.windows;
  auto check_lengths = [&](const auto& list, const std::string& name) -> Status {
    const bool parallel =
        !first.windows || at::equal(list.windows->row_offsets, first.windows->row_offsets);
    if (parallel && at::equal(list.offsets, first.offsets)) return {};
    return schema_error(
        fmt::format("block '{}': lists of '{}' and '{}' differ in length; a block "
                    "needs parallel lists",
                    block.name, plan_.lookups[block.ids.front()].feature, name));
  };
  for (int lookup : block.ids) {
    const JaggedIndex& index = batch.lookups[lookup];
    ONEFOLD_RETURN_IF_ERROR(check_lengths(index, plan_.lookups[lookup].feature));
    input.ids.push_back({table_rows[plan_.lookups[lookup].table], index.ids});
  }
  for (int list : block.floats) {
    const JaggedFloats& floats = batch.float_lists[list];
    ONEFOLD_RETURN_IF_ERROR(check_lengths(floats, plan_.float_lists[list]));
    input.floats.push_back(floats.values.to(parameters_.dtype()));
  }
  for (int lookup : block.query) {
    input.query.push_back(lookup_pooled(batch, table_rows, lookup, Pooling::kMean));
  }
  std::optional<FoldIndex> pair_of_sample;  // with a prefix
  if (block.prefix >= 0) {
    const GroupTensors& tokens = batch.groups[batch.embeddings[block.prefix].group];
    const RowPairs pairs = pair_rows(group.fold.inverse_indices, tokens.fold.inverse_indices);
    input.prefix = TokenPrefix{vectors.tokens[block.prefix], pairs.first, pairs.second};
    pair_of_sample = pairs.fold;
  }
  at::Tensor out = block.body->forward(input);
  if (block.projection.defined()) out = block.projection.per_row(out);
  if (pair_of_sample) {
    vectors.per_sample.push_back(onefold::expand(out, *pair_of_sample));
    return {};
  }
  auto& to = block.body->per_sample() ? vectors.per_sample : vectors.per_group[first.group];
  to.push_back(out);
  return {};
}

void Dlrm::run_embeddings(const BatchTensors& batch, Vectors& vectors) const {
  vectors.tokens.resize(embeddings_.size());
  for (size_t e = 0; e < embeddings_.size(); ++e) {
    const int group = batch.embeddings[e].group;
    at::Tensor out = embeddings_[e].forward(batch.embeddings[e]);
    switch (config_.embeddings[e].adapter) {
      case AdapterType::kLinear:
      case AdapterType::kGate:
        vectors.per_group[group].push_back(std::move(out));
        break;
      case AdapterType::kPrepend:
        vectors.tokens[e] = std::move(out);
        break;
      case AdapterType::kNone: {
        const at::Tensor expanded = expand_group(batch.groups[group], out);
        vectors.top_addend =
            vectors.top_addend.defined() ? vectors.top_addend.add(expanded) : expanded;
        break;
      }
    }
  }
}

at::Tensor Dlrm::run_upstream(const BatchTensors& batch,
                              const std::vector<at::Tensor>& table_rows) const {
  ONEFOLD_CHECK(batch.timelines != nullptr, "an upstream model needs timelines");
  const std::vector<at::Tensor> own(
      table_rows.begin() + static_cast<int64_t>(config_.tables.size()), table_rows.end());
  return upstream_adapter_->forward(user_encoder_->forward(*batch.timelines, own));
}

std::vector<at::Tensor> Dlrm::expand(const BatchTensors& batch, const Vectors& vectors) const {
  std::vector<at::Tensor> columns = vectors.per_sample;
  if (vectors.upstream.defined()) {
    const TimelineTensors& timelines = *batch.timelines;
    columns.push_back(
        timelines.is_identity
            ? vectors.upstream
            : onefold::expand(vectors.upstream,
                              make_fold_index(timelines.inverse_indices, timelines.num_rows)));
  }
  for (size_t g = 0; g < batch.groups.size(); ++g) {
    if (vectors.per_group[g].empty()) continue;
    const at::Tensor unique = at::cat(vectors.per_group[g], 1);  // [U, k * dim]
    columns.push_back(expand_group(batch.groups[g], unique));
  }
  return columns;
}

}  // namespace onefold
