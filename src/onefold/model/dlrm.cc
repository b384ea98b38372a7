// SPDX-License-Identifier: Apache-2.0
#include "onefold/model/dlrm.h"

#include <algorithm>

#include <ATen/ops/cat.h>
#include <ATen/ops/equal.h>
#include <fmt/format.h>

#include "onefold/model/tensor_plan.h"
#include "onefold/ops/dot_interaction.h"
#include "onefold/ops/gather_rows.h"
#include "onefold/ops/pooled_lookup.h"
#include "onefold/ops/timeline_tensors.h"

namespace onefold {
namespace {

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
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
  return static_cast<int>(pooled_.size() + blocks_.size()) + (config_.dense.empty() ? 0 : 1) +
         (config_.upstream ? static_cast<int>(config_.upstream->outputs) : 0);
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
  for (const Block& block : blocks_) {
    ONEFOLD_RETURN_IF_ERROR(run_block(block, batch, table_rows, vectors));
  }
  if (user_encoder_) vectors.upstream = run_upstream(batch, table_rows);
  std::vector<at::Tensor> columns = expand(batch, vectors);
  at::Tensor all = at::cat(columns, 1);  // [B, F * dim]
  if (num_vectors() > 1) {
    all = at::cat({all, dot_interaction(all.view({batch.num_samples, -1, config_.dim}))}, 1);
  }
  return top_.per_sample(all);
}

at::Tensor Dlrm::lookup_pooled(const BatchTensors& batch, const std::vector<at::Tensor>& table_rows,
                               int lookup, Pooling pooling) const {
  const JaggedIndex& index = batch.lookups[lookup];
  return pooled_lookup(table_rows[plan_.lookups[lookup].table], index.positions, index.offsets,
                       pooling);
}

Status Dlrm::run_block(const Block& block, const BatchTensors& batch,
                       const std::vector<at::Tensor>& table_rows, Vectors& vectors) const {
  const JaggedIndex& first = batch.lookups[block.ids.front()];
  const GroupTensors& group = batch.groups[first.group];
  SequenceInput input{.ids = {},
                      .floats = {},
                      .offsets = first.offsets,
                      .query = {},
                      .inverse_indices = group.inverse_indices};
  auto check_lengths = [&](const at::Tensor& offsets, const std::string& name) -> Status {
    if (at::equal(offsets, first.offsets)) return {};
    return schema_error(
        fmt::format("block '{}': lists of '{}' and '{}' differ in length; a block "
                    "needs parallel lists",
                    block.name, plan_.lookups[block.ids.front()].feature, name));
  };
  for (int lookup : block.ids) {
    const JaggedIndex& index = batch.lookups[lookup];
    ONEFOLD_RETURN_IF_ERROR(check_lengths(index.offsets, plan_.lookups[lookup].feature));
    input.ids.push_back({table_rows[plan_.lookups[lookup].table], index.positions});
  }
  for (int list : block.floats) {
    const JaggedFloats& floats = batch.float_lists[list];
    ONEFOLD_RETURN_IF_ERROR(check_lengths(floats.offsets, plan_.float_lists[list]));
    input.floats.push_back(floats.values.to(parameters_.dtype()));
  }
  for (int lookup : block.query) {
    input.query.push_back(lookup_pooled(batch, table_rows, lookup, Pooling::kMean));
  }
  at::Tensor out = block.body->forward(input);
  if (block.projection.defined()) out = block.projection.per_row(out);
  auto& to = block.body->per_sample() ? vectors.per_sample : vectors.per_group[first.group];
  to.push_back(out);
  return {};
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
    columns.push_back(batch.timelines->is_identity
                          ? vectors.upstream
                          : gather_rows(vectors.upstream, batch.timelines->inverse_indices));
  }
  for (size_t g = 0; g < batch.groups.size(); ++g) {
    if (vectors.per_group[g].empty()) continue;
    const at::Tensor unique = at::cat(vectors.per_group[g], 1);  // [U, k * dim]
    columns.push_back(batch.groups[g].is_identity
                          ? unique
                          : gather_rows(unique, batch.groups[g].inverse_indices));
  }
  return columns;
}

}  // namespace onefold
