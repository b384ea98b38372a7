// SPDX-License-Identifier: Apache-2.0
// ListCombiner: several vectors and float channels per value become one vector.
//
//   sum     x = e_1 + ... + e_F + C f           every e of width dim; C [dim, channels]
//   concat  x = W [e_1; ...; e_F; f] + b
#pragma once

#include <string>
#include <vector>

#include "onefold/model/linear.h"
#include "onefold/model/model_config.h"

namespace onefold {

class ListCombiner {
 public:
  ListCombiner(Parameters& parameters, const std::string& name, Combine combine,
               const std::vector<int64_t>& widths, int64_t num_channels, int64_t dim);

  // `embeddings` [N, widths[i]] each, `channels` [N] each -> [N, dim]. A row's bits do not depend
  // on the other rows.
  at::Tensor operator()(const std::vector<at::Tensor>& embeddings,
                        const std::vector<at::Tensor>& channels) const;

 private:
  Combine combine_;
  Linear linear_;  // concat: all inputs; sum: the channels only, if there are any
};

}  // namespace onefold
