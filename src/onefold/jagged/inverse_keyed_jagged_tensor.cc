// SPDX-License-Identifier: Apache-2.0
#include "onefold/jagged/inverse_keyed_jagged_tensor.h"

#include <numeric>

namespace onefold {

Result<InverseKeyedJaggedTensor> InverseKeyedJaggedTensor::make(
    KeyedJaggedTensor unique, std::vector<int32_t> inverse_indices) {
  // In first-seen order each index is at most one past the largest before it, so one pass checks
  // the range, the order and that every row is used.
  int32_t num_seen = 0;
  for (size_t i = 0; i < inverse_indices.size(); ++i) {
    const int32_t row = inverse_indices[i];
    if (row < 0 || row > num_seen || row >= unique.num_rows()) {
      return data_loss("inverse index " + std::to_string(row) + " of sample " + std::to_string(i) +
                       " is not in first-seen order of " + std::to_string(unique.num_rows()) +
                       " unique rows");
    }
    num_seen += row == num_seen;
  }
  if (num_seen != unique.num_rows()) {
    return data_loss(std::to_string(unique.num_rows() - num_seen) + " of " +
                     std::to_string(unique.num_rows()) + " unique rows are used by no sample");
  }
  InverseKeyedJaggedTensor ikjt;
  ikjt.unique_ = std::move(unique);
  ikjt.inverse_indices_ = std::move(inverse_indices);
  return ikjt;
}

InverseKeyedJaggedTensor InverseKeyedJaggedTensor::identity(KeyedJaggedTensor rows) {
  InverseKeyedJaggedTensor ikjt;
  ikjt.inverse_indices_.resize(rows.num_rows());
  std::iota(ikjt.inverse_indices_.begin(), ikjt.inverse_indices_.end(), 0);
  ikjt.unique_ = std::move(rows);
  return ikjt;
}

}  // namespace onefold
