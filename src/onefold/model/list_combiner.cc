// SPDX-License-Identifier: Apache-2.0
#include "onefold/model/list_combiner.h"

#include <numeric>

#include <ATen/ops/cat.h>
#include <ATen/ops/stack.h>

namespace onefold {

ListCombiner::ListCombiner(Parameters& parameters, const std::string& name, Combine combine,
                           const std::vector<int64_t>& widths, int64_t num_channels, int64_t dim)
    : combine_(combine) {
  int64_t inputs = num_channels;
  if (combine == Combine::kConcat) inputs = std::accumulate(widths.begin(), widths.end(), inputs);
  if (inputs > 0) linear_ = Linear(parameters, name, inputs, dim);
}

at::Tensor ListCombiner::operator()(const std::vector<at::Tensor>& embeddings,
                                    const std::vector<at::Tensor>& channels) const {
  std::vector<at::Tensor> parts;
  if (combine_ == Combine::kConcat) parts = embeddings;
  if (!channels.empty()) {
    parts.push_back(at::stack(channels, 1).to(embeddings.front().scalar_type()));
  }
  if (combine_ == Combine::kConcat) return linear_.per_row(at::cat(parts, 1));
  at::Tensor sum = embeddings.front();
  for (size_t i = 1; i < embeddings.size(); ++i) sum = sum.add(embeddings[i]);
  return parts.empty() ? sum : sum.add(linear_.per_row(parts.front()));
}

}  // namespace onefold
