// SPDX-License-Identifier: Apache-2.0
#include "onefold/jagged/inverse_keyed_jagged_tensor.h"

#include <algorithm>
#include <numeric>

namespace onefold {

namespace {

Status check_inverse(const std::vector<int32_t>& inverse_indices, int64_t num_unique) {
  // In first-seen order each index is at most one past the largest before it, so one pass checks
  // the range, the order and that every row is used.
  int32_t num_seen = 0;
  for (size_t i = 0; i < inverse_indices.size(); ++i) {
    const int32_t row = inverse_indices[i];
    if (row < 0 || row > num_seen || row >= num_unique) {
      return data_loss("inverse index " + std::to_string(row) + " of sample " + std::to_string(i) +
                       " is not in first-seen order of " + std::to_string(num_unique) +
                       " unique rows");
    }
    num_seen += row == num_seen;
  }
  if (num_seen == num_unique) return {};
  return data_loss(std::to_string(num_unique - num_seen) + " of " + std::to_string(num_unique) +
                   " unique rows are used by no sample");
}

}  // namespace

Result<InverseKeyedJaggedTensor> InverseKeyedJaggedTensor::make(
    KeyedJaggedTensor unique, std::vector<int32_t> inverse_indices) {
  ONEFOLD_RETURN_IF_ERROR(check_inverse(inverse_indices, unique.num_rows()));
  InverseKeyedJaggedTensor ikjt;
  ikjt.rows_ = std::move(unique);
  ikjt.inverse_indices_ = std::move(inverse_indices);
  return ikjt;
}

Result<InverseKeyedJaggedTensor> InverseKeyedJaggedTensor::make_windowed(
    KeyedJaggedTensor payload, RowWindows windows, std::vector<int32_t> inverse_indices) {
  ONEFOLD_RETURN_IF_ERROR(check_windows(payload, windows));
  ONEFOLD_RETURN_IF_ERROR(check_inverse(inverse_indices, windows.size()));
  InverseKeyedJaggedTensor ikjt;
  ikjt.rows_ = std::move(payload);
  ikjt.windows_ = std::move(windows);
  ikjt.inverse_indices_ = std::move(inverse_indices);
  return ikjt;
}

InverseKeyedJaggedTensor InverseKeyedJaggedTensor::identity(KeyedJaggedTensor rows) {
  InverseKeyedJaggedTensor ikjt;
  ikjt.inverse_indices_.resize(rows.num_rows());
  std::iota(ikjt.inverse_indices_.begin(), ikjt.inverse_indices_.end(), 0);
  ikjt.rows_ = std::move(rows);
  return ikjt;
}

const KeyedJaggedTensor& InverseKeyedJaggedTensor::unique() const {
  ONEFOLD_CHECK(!windows_, "a windowed group has no unique rows; exact() cuts them");
  return rows_;
}

KeyedJaggedTensor& InverseKeyedJaggedTensor::mutable_unique() {
  ONEFOLD_CHECK(!windows_, "a windowed group has no unique rows; exact() cuts them");
  return rows_;
}

const RowWindows& InverseKeyedJaggedTensor::windows() const {
  ONEFOLD_CHECK(windows_, "the group is not windowed");
  return *windows_;
}

void InverseKeyedJaggedTensor::keep_newest(int32_t max_length) {
  ONEFOLD_CHECK(windows_, "the group is not windowed");
  for (int64_t u = 0; u < windows_->size(); ++u) {
    const int32_t dropped = std::max(0, windows_->length[u] - max_length);
    windows_->start[u] += dropped;
    windows_->length[u] -= dropped;
  }
}

InverseKeyedJaggedTensor InverseKeyedJaggedTensor::exact() && {
  if (windows_) {
    rows_ = cut_windows(rows_, *windows_);
    windows_.reset();
  }
  return std::move(*this);
}

}  // namespace onefold
