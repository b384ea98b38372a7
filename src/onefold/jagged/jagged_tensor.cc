// SPDX-License-Identifier: Apache-2.0
#include "onefold/jagged/jagged_tensor.h"

#include <cstring>
#include <limits>

namespace onefold {

void check_num_values(int64_t num_values) {
  ONEFOLD_CHECK(num_values <= std::numeric_limits<int32_t>::max(),
                "a jagged tensor holds fewer than 2^31 values; use smaller batches or row groups");
}

template <typename T>
Result<JaggedTensor<T>> JaggedTensor<T>::make(std::vector<T> values, std::vector<int32_t> offsets) {
  if (offsets.empty() || offsets.front() != 0) {
    return data_loss("jagged offsets must start with 0");
  }
  for (size_t i = 1; i < offsets.size(); ++i) {
    if (offsets[i] < offsets[i - 1]) {
      return data_loss("jagged offsets decrease at row " + std::to_string(i - 1));
    }
  }
  if (static_cast<size_t>(offsets.back()) != values.size()) {
    return data_loss("jagged offsets end at " + std::to_string(offsets.back()) + " but there are " +
                     std::to_string(values.size()) + " values");
  }
  JaggedTensor tensor;
  tensor.values_ = std::move(values);
  tensor.offsets_ = std::move(offsets);
  return tensor;
}

template <typename T>
void JaggedTensor<T>::reserve(int64_t num_rows, int64_t num_values) {
  offsets_.reserve(num_rows + 1);
  values_.reserve(num_values);
}

template <typename T>
void JaggedTensor<T>::push_row(std::span<const T> row) {
  check_num_values(num_values() + row.size());
  values_.insert(values_.end(), row.begin(), row.end());
  offsets_.push_back(static_cast<int32_t>(values_.size()));
}

template <typename T>
void JaggedTensor<T>::push_rows(JaggedView<T> rows, int64_t begin, int64_t end) {
  ONEFOLD_DCHECK(0 <= begin && begin <= end && end <= rows.num_rows(), "no such rows");
  const auto values =
      rows.values.subspan(rows.offsets[begin], rows.offsets[end] - rows.offsets[begin]);
  check_num_values(num_values() + values.size());
  const int32_t shift = static_cast<int32_t>(values_.size()) - rows.offsets[begin];
  values_.insert(values_.end(), values.begin(), values.end());
  for (int64_t row = begin; row < end; ++row) offsets_.push_back(rows.offsets[row + 1] + shift);
}

template <typename T>
bool JaggedTensor<T>::bytes_equal(std::span<const T> a, std::span<const T> b) {
  return a.size() == b.size() &&
         (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0);
}

template class JaggedTensor<int64_t>;
template class JaggedTensor<float>;

}  // namespace onefold
