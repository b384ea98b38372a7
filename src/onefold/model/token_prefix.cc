// SPDX-License-Identifier: Apache-2.0
#include "onefold/model/token_prefix.h"

#include <limits>
#include <unordered_map>
#include <vector>

#include <ATen/ops/cat.h>

#include "onefold/base/check.h"
#include "onefold/ops/expand.h"
#include "onefold/ops/int32_tensor.h"

namespace onefold {
RowPairs pair_rows(const at::Tensor& first, const at::Tensor& second) {
  const int32_t* a = first.const_data_ptr<int32_t>();
  const int32_t* b = second.const_data_ptr<int32_t>();
  std::vector<int32_t> rows, others, inverse(first.size(0));
  std::unordered_map<uint64_t, int32_t> seen;
  for (size_t i = 0; i < inverse.size(); ++i) {
    const uint64_t key = static_cast<uint64_t>(a[i]) << 32 | static_cast<uint32_t>(b[i]);
    const auto [it, is_new] = seen.try_emplace(key, static_cast<int32_t>(rows.size()));
    if (is_new) {
      rows.push_back(a[i]);
      others.push_back(b[i]);
    }
    inverse[i] = it->second;
  }
  return {int32_tensor(rows), int32_tensor(others),
          make_fold_index(int32_tensor(inverse), static_cast<int64_t>(rows.size()))};
}

PrefixedValues prepend(const TokenPrefix& prefix, const at::Tensor& values,
                       const at::Tensor& offsets) {
  const int64_t num_tokens = prefix.tokens.size(1), dim = prefix.tokens.size(2);
  const int64_t num_token_rows = prefix.tokens.size(0) * num_tokens;
  const int32_t* bounds = offsets.const_data_ptr<int32_t>();
  const int32_t* rows = prefix.rows.const_data_ptr<int32_t>();
  const int32_t* token_rows = prefix.token_rows.const_data_ptr<int32_t>();
  std::vector<int32_t> index, new_offsets = {0};
  for (int64_t p = 0; p < prefix.rows.size(0); ++p) {
    const int64_t first_token = token_rows[p] * num_tokens;
    for (int64_t t = 0; t < num_tokens; ++t) {
      index.push_back(static_cast<int32_t>(first_token + t));
    }
    for (int64_t i = bounds[rows[p]]; i < bounds[rows[p] + 1]; ++i) {
      index.push_back(static_cast<int32_t>(num_token_rows + i));
    }
    ONEFOLD_CHECK(index.size() <= std::numeric_limits<int32_t>::max(), "too many values");
    new_offsets.push_back(static_cast<int32_t>(index.size()));
  }
  const at::Tensor all = at::cat({prefix.tokens.reshape({num_token_rows, dim}), values});
  return {expand(all, make_fold_index(int32_tensor(index), all.size(0))),
          int32_tensor(new_offsets)};
}

}  // namespace onefold
