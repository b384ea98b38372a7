// SPDX-License-Identifier: Apache-2.0
// SliceEncoder: N pooled slices -> T tokens, the user embedding.
//
//   fsa      funnel(x) beside lce(x)
//   funnel   layers, mean pool of the axis by `stride`, layers, linear
//   lce      linear
//   mlp      linear, swish, linear
//   transformer   layers, linear
//
// Along the axis "tokens" the linear maps have N inputs and T outputs and are the same for each of
// the D dims; along "dims" they have D inputs and ceil(T D / N) outputs, and what all N tokens give
// is laid out as [T, D]. Either way every token is first normalised over its D values, as a mean
// over few events is long and one over many is short. Layer norms, no batch statistics.
#pragma once

#include <memory>

#include <ATen/core/TensorBody.h>

#include "onefold/model/parameters.h"
#include "onefold/model/upstream_config.h"

namespace onefold {

class SliceEncoder {
 public:
  // Parameters "upstream.encoder.*".
  SliceEncoder(const EncoderConfig& config, int64_t num_slices, int64_t dim,
               Parameters& parameters);
  ~SliceEncoder();
  SliceEncoder(SliceEncoder&&) noexcept;

  at::Tensor forward(const at::Tensor& slices) const;  // [U, N, D] -> [U, T, D]

 private:
  struct Body;
  std::unique_ptr<Body> body_;
};

}  // namespace onefold
