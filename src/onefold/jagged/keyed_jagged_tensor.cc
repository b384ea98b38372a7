// SPDX-License-Identifier: Apache-2.0
#include "onefold/jagged/keyed_jagged_tensor.h"

#include <algorithm>
#include <limits>

namespace onefold {

int64_t num_rows(const JaggedColumn& column) {
  return std::visit([](const auto& tensor) { return tensor.num_rows(); }, column);
}

int64_t num_values(const JaggedColumn& column) {
  return std::visit([](const auto& tensor) { return tensor.num_values(); }, column);
}

int32_t length(const JaggedColumn& column, int64_t row) {
  return std::visit([row](const auto& tensor) { return tensor.length(row); }, column);
}

void KeyedJaggedTensor::add(std::string key, JaggedColumn column) {
  ONEFOLD_CHECK(onefold::num_rows(column) == num_rows_,
                "key '" + key + "' has " + std::to_string(onefold::num_rows(column)) +
                    " rows, expected " + std::to_string(num_rows_));
  ONEFOLD_CHECK(!has(key), "key '" + key + "' is there already");
  keys_.push_back(std::move(key));
  columns_.push_back(std::move(column));
}

int64_t KeyedJaggedTensor::find(const std::string& key) const {
  auto it = std::find(keys_.begin(), keys_.end(), key);
  return it == keys_.end() ? -1 : it - keys_.begin();
}

const JaggedColumn& KeyedJaggedTensor::column(const std::string& key) const {
  const int64_t index = find(key);
  ONEFOLD_CHECK(index >= 0, "no key '" + key + "'");
  return columns_[index];
}

JaggedColumn& KeyedJaggedTensor::mutable_column(const std::string& key) {
  const int64_t index = find(key);
  ONEFOLD_CHECK(index >= 0, "no key '" + key + "'");
  return columns_[index];
}

Result<TorchrecLayout> to_torchrec(const KeyedJaggedTensor& kjt) {
  TorchrecLayout layout;
  layout.keys = kjt.keys();
  layout.lengths.reserve(kjt.num_keys() * kjt.num_rows());
  for (const std::string& key : kjt.keys()) {
    const auto* ids = std::get_if<JaggedTensor<int64_t>>(&kjt.column(key));
    if (!ids) return schema_error("key '" + key + "' holds floats; a TorchRec KJT holds ids only");
    layout.values.insert(layout.values.end(), ids->values().begin(), ids->values().end());
    for (int64_t row = 0; row < ids->num_rows(); ++row) layout.lengths.push_back(ids->length(row));
  }
  return layout;
}

Result<KeyedJaggedTensor> from_torchrec(const TorchrecLayout& layout) {
  const size_t num_keys = layout.keys.size();
  if (num_keys == 0 ? !layout.lengths.empty() : layout.lengths.size() % num_keys != 0) {
    return data_loss(std::to_string(layout.lengths.size()) + " lengths do not divide into " +
                     std::to_string(num_keys) + " keys");
  }
  const int64_t num_rows = num_keys == 0 ? 0 : layout.lengths.size() / num_keys;
  KeyedJaggedTensor kjt(num_rows);
  int64_t begin = 0;
  for (size_t k = 0; k < num_keys; ++k) {
    if (kjt.has(layout.keys[k])) return data_loss("key '" + layout.keys[k] + "' comes twice");
    std::vector<int32_t> offsets = {0};
    offsets.reserve(num_rows + 1);
    int64_t end = begin;
    for (int64_t row = 0; row < num_rows; ++row) {
      const int32_t length = layout.lengths[k * num_rows + row];
      end += length;
      if (length < 0 || end > static_cast<int64_t>(layout.values.size())) {
        return data_loss("lengths of key '" + layout.keys[k] +
                         "' are negative or pass the end of the values");
      }
      if (end - begin > std::numeric_limits<int32_t>::max()) {
        return data_loss("key '" + layout.keys[k] + "' holds 2^31 values or more");
      }
      offsets.push_back(static_cast<int32_t>(end - begin));
    }
    ONEFOLD_ASSIGN_OR_RETURN(
        auto ids, JaggedTensor<int64_t>::make(
                      {layout.values.begin() + begin, layout.values.begin() + end}, offsets));
    kjt.add(layout.keys[k], std::move(ids));
    begin = end;
  }
  if (begin != static_cast<int64_t>(layout.values.size())) {
    return data_loss("the lengths add up to " + std::to_string(begin) + " values of " +
                     std::to_string(layout.values.size()));
  }
  return kjt;
}

}  // namespace onefold
