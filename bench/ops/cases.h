// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "ops/measure.h"
#include <ATen/core/Tensor.h>

namespace onefold {

std::vector<CaseMaker> expand_cases(at::Device device);
std::vector<CaseMaker> jagged_index_select_cases(at::Device device);
std::vector<CaseMaker> embedding_cases(at::Device device);
std::vector<CaseMaker> attention_cases(at::Device device);
std::vector<CaseMaker> multi_slice_cases(at::Device device);

// inverse_indices int32 [num_samples] over num_unique rows: `sessions` gives every row its samples
// one after another, otherwise each sample draws a row (all rows are used).
at::Tensor make_inverse(at::Device device, int64_t num_unique, int64_t num_samples, bool sessions);

}  // namespace onefold
