// SPDX-License-Identifier: Apache-2.0
#include "onefold/model/din_block.h"

#include <cmath>

#include <ATen/ops/linear.h>

#include "onefold/ops/din_attention.h"
#include "onefold/ops/expand.h"

namespace onefold {

DinBlock::DinBlock(const BlockConfig& config, const BlockDims& dims, Parameters& parameters)
    : keys_(parameters, config.name + ".keys", config.combine, dims.ids,
            static_cast<int64_t>(config.floats.size()), config.dim),
      query_(parameters, config.name + ".query", config.combine, dims.query, 0, config.dim) {
  // As if the four inputs were one layer of 4 * dim inputs.
  const double bound = 1.0 / std::sqrt(4.0 * static_cast<double>(config.dim));
  candidate_weight_ =
      parameters.add_uniform(config.name + ".candidate.weight", {config.hidden, config.dim}, bound);
  user_ = Linear(parameters, config.name + ".user", config.dim, config.hidden);
  product_ =
      parameters.add_uniform(config.name + ".product.weight", {config.hidden, config.dim}, bound);
  // The weights are summed over up to max_length values unnormalised: start small.
  score_ = parameters.add_uniform(
      config.name + ".score.weight", {config.hidden},
      1.0 / std::sqrt(static_cast<double>(config.hidden * config.max_length)));
  score_bias_ = parameters.add_constant(config.name + ".score.bias", {1}, 0);
}

at::Tensor DinBlock::forward(const SequenceInput& input) const {
  std::vector<at::Tensor> lists;
  for (const TableLookup& ids : input.ids) lists.push_back(look_up(ids));
  at::Tensor keys = keys_(lists, input.floats);
  at::Tensor user_half = user_.per_row(keys);
  if (input.windows) {  // both once per payload value; then every window its own
    const FoldIndex cut = input.windows->cut_index();
    keys = expand(keys, cut);
    user_half = expand(user_half, cut);
  }
  const at::Tensor query = query_(input.query, {});
  return din_attention({.query = query,
                        .candidate_half = at::linear(query, candidate_weight_),
                        .keys = keys,
                        .user_half = user_half,
                        .product = product_,
                        .score = score_,
                        .score_bias = score_bias_,
                        .offsets = input.offsets,
                        .fold = input.fold});
}

}  // namespace onefold
