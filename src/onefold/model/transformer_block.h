// SPDX-License-Identifier: Apache-2.0
// TransformerBlock: pre-norm self-attention over each unique row's values, then their mean.
#pragma once

#include <vector>

#include "onefold/model/list_combiner.h"
#include "onefold/model/sequence_block.h"

namespace onefold {

//   x = combine(lists) + position           position 0 is the newest value
//   x = [tokens; x]                         with a prefix, whose tokens have their own positions
//   layers times:  x += O attention(norm(x));  x += W2 swish(W1 norm(x))
//   out = mean over the row of norm(x)      zeros for an empty row
//
// All values of all rows lie in one [N, dim] matrix: nothing is padded, and everything but the
// attention itself is a product over N. No batch statistics.
class TransformerBlock : public SequenceBlock {
 public:
  TransformerBlock(const BlockConfig& config, const BlockDims& dims, Parameters& parameters);
  at::Tensor forward(const SequenceInput& input) const override;  // [U, dim]

 private:
  struct Norm {
    at::Tensor scale, shift;  // [dim]
    at::Tensor operator()(const at::Tensor& x) const;
  };
  struct Layer {
    Norm attention_norm, ffn_norm;
    Linear qkv, output, ffn_in, ffn_out;
  };
  // qkv [N, 3 * dim]: queries, keys and values side by side -> [N, dim].
  at::Tensor attend(const at::Tensor& qkv, const at::Tensor& offsets) const;
  Norm make_norm(Parameters& parameters, const std::string& name) const;

  int64_t dim_, heads_, max_length_;
  ListCombiner combiner_;
  at::Tensor position_;  // [max_length, dim]
  std::vector<Layer> layers_;
  Norm final_norm_;
};

}  // namespace onefold
