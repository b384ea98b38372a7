// SPDX-License-Identifier: Apache-2.0
// DinBlock: history weighted by its relation to the candidate (ops/din_attention.h).
#pragma once

#include "onefold/model/list_combiner.h"
#include "onefold/model/sequence_block.h"

namespace onefold {

class DinBlock : public SequenceBlock {
 public:
  DinBlock(const BlockConfig& config, const BlockDims& dims, Parameters& parameters);
  at::Tensor forward(const SequenceInput& input) const override;  // [B, dim]
  bool per_sample() const override { return true; }

 private:
  ListCombiner keys_, query_;
  // The first layer over [q, k, q - k, q ∘ k], already regrouped: (Wq + Wd), (Wk - Wd) with the
  // bias, Wp. Any three matrices arise from some Wq, Wk, Wd, Wp, so nothing is lost.
  at::Tensor candidate_weight_;
  Linear user_;
  at::Tensor product_;
  at::Tensor score_, score_bias_;
};

}  // namespace onefold
