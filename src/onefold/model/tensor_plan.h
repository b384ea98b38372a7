// SPDX-License-Identifier: Apache-2.0
// What a configured model reads from a batch.
#pragma once

#include "onefold/model/model_config.h"
#include "onefold/ops/batch_tensors.h"

namespace onefold {

// Lookups are the features of `config` in order; float lists are the blocks', each once;
// embeddings are those of `config` in order.
TensorPlan make_tensor_plan(const ModelConfig& config);

// Index of a feature in plan.lookups, of a list in plan.float_lists. REQUIRES: it is there.
int lookup_index(const TensorPlan& plan, const std::string& feature);
int float_list_index(const TensorPlan& plan, const std::string& feature);

}  // namespace onefold
