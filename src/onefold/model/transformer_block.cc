// SPDX-License-Identifier: Apache-2.0
#include "onefold/model/transformer_block.h"

#include <algorithm>
#include <utility>

#include <ATen/ops/empty.h>
#include <ATen/ops/layer_norm.h>

#include "onefold/ops/expand.h"
#include "onefold/ops/jagged_self_attention.h"
#include "onefold/ops/swish.h"
#include "onefold/ops/window_pool.h"

namespace onefold {
namespace {

// How many newer values each value of each row has, at most max_length - 1: int32 [N].
at::Tensor positions_from_newest(const at::Tensor& offsets, int64_t max_length) {
  const int32_t* bounds = offsets.const_data_ptr<int32_t>();
  const int64_t num_rows = offsets.size(0) - 1;
  at::Tensor positions = at::empty({bounds[num_rows]}, at::kInt);
  int32_t* to = positions.mutable_data_ptr<int32_t>();
  for (int64_t row = 0; row < num_rows; ++row) {
    for (int32_t i = bounds[row]; i < bounds[row + 1]; ++i) {
      to[i] = static_cast<int32_t>(std::min<int64_t>(bounds[row + 1] - 1 - i, max_length - 1));
    }
  }
  return positions;
}

}  // namespace

TransformerBlock::TransformerBlock(const BlockConfig& config, const BlockDims& dims,
                                   Parameters& parameters)
    : dim_(config.dim),
      heads_(config.heads),
      max_length_(config.max_length),
      combiner_(parameters, config.name + ".combine", config.combine, dims.ids,
                static_cast<int64_t>(config.floats.size()), config.dim),
      position_(parameters.add_uniform(config.name + ".position", {config.max_length, config.dim},
                                       0.02)) {
  for (int64_t i = 0; i < config.layers; ++i) {
    const std::string name = config.name + "." + std::to_string(i);
    layers_.push_back({make_norm(parameters, name + ".attention_norm"),
                       make_norm(parameters, name + ".ffn_norm"),
                       Linear(parameters, name + ".qkv", dim_, 3 * dim_),
                       Linear(parameters, name + ".output", dim_, dim_),
                       Linear(parameters, name + ".ffn_in", dim_, config.ffn),
                       Linear(parameters, name + ".ffn_out", config.ffn, dim_)});
  }
  final_norm_ = make_norm(parameters, config.name + ".final_norm");
}

at::Tensor TransformerBlock::forward(const SequenceInput& input) const {
  std::vector<at::Tensor> lists;
  for (const TableLookup& ids : input.ids) lists.push_back(look_up(ids));
  at::Tensor x = combiner_(lists, input.floats);
  if (input.windows) x = expand(x, input.windows->cut_index());
  const at::Tensor positions = positions_from_newest(input.offsets, max_length_);
  x = x.add(expand(position_, make_fold_index(positions, max_length_)));
  at::Tensor offsets = input.offsets;
  if (input.prefix) {
    PrefixedValues prefixed = prepend(*input.prefix, x, offsets);
    x = std::move(prefixed.values);
    offsets = std::move(prefixed.offsets);
  }
  for (const Layer& layer : layers_) {
    x = x.add(layer.output.per_row(attend(layer.qkv.per_row(layer.attention_norm(x)), offsets)));
    x = x.add(layer.ffn_out.per_row(swish(layer.ffn_in.per_row(layer.ffn_norm(x)))));
  }
  return pool_rows(final_norm_(x), offsets, Pooling::kMean);
}

at::Tensor TransformerBlock::attend(const at::Tensor& qkv, const at::Tensor& offsets) const {
  const auto parts = qkv.view({-1, 3, heads_, dim_ / heads_}).unbind(1);
  // No row is longer than all of them; the CPU body does not ask for a closer bound.
  return jagged_self_attention(parts[0], parts[1], parts[2], offsets, qkv.size(0)).view({-1, dim_});
}

at::Tensor TransformerBlock::Norm::operator()(const at::Tensor& x) const {
  return at::layer_norm(x, {x.size(1)}, scale, shift);
}

TransformerBlock::Norm TransformerBlock::make_norm(Parameters& parameters,
                                                   const std::string& name) const {
  return {parameters.add_constant(name + ".scale", {dim_}, 1),
          parameters.add_constant(name + ".shift", {dim_}, 0)};
}

}  // namespace onefold
