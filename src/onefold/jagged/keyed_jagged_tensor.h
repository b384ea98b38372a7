// SPDX-License-Identifier: Apache-2.0
// KeyedJaggedTensor (KJT): several named jagged features over the same rows.
//
//   key "c"  rows [7,8] [7,8] [10]
//   key "d"  rows [9]   [9]   [11]
//
// The name and the meaning are TorchRec's; to_torchrec() gives its exact memory layout.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "onefold/jagged/jagged_tensor.h"

namespace onefold {

// Ids are int64, everything else float.
using JaggedColumn = std::variant<JaggedTensor<int64_t>, JaggedTensor<float>>;

int64_t num_rows(const JaggedColumn& column);
int64_t num_values(const JaggedColumn& column);
int32_t length(const JaggedColumn& column, int64_t row);

class KeyedJaggedTensor {
 public:
  explicit KeyedJaggedTensor(int64_t num_rows = 0) : num_rows_(num_rows) {}

  int64_t num_rows() const { return num_rows_; }
  int64_t num_keys() const { return static_cast<int64_t>(keys_.size()); }
  const std::vector<std::string>& keys() const { return keys_; }

  // REQUIRES: `column` has num_rows() rows and `key` is new; throws CheckError otherwise.
  void add(std::string key, JaggedColumn column);

  bool has(const std::string& key) const { return find(key) >= 0; }
  const JaggedColumn& column(int64_t index) const { return columns_[index]; }
  // REQUIRES: has(key).
  const JaggedColumn& column(const std::string& key) const;
  JaggedColumn& mutable_column(const std::string& key);
  // REQUIRES: the column of `key` holds T.
  template <typename T>
  const JaggedTensor<T>& get(const std::string& key) const {
    return std::get<JaggedTensor<T>>(column(key));
  }

  friend bool operator==(const KeyedJaggedTensor& a, const KeyedJaggedTensor& b) {
    return a.num_rows_ == b.num_rows_ && a.keys_ == b.keys_ && a.columns_ == b.columns_;
  }

 private:
  int64_t find(const std::string& key) const;  // -1 if absent

  int64_t num_rows_;
  std::vector<std::string> keys_;
  std::vector<JaggedColumn> columns_;
};

// TorchRec's KeyedJaggedTensor(keys, values, lengths): all keys' values one after another, key
// major, and num_keys * num_rows lengths in the same order.
struct TorchrecLayout {
  std::vector<std::string> keys;  // [K]
  std::vector<int64_t> values;    // [sum of lengths]
  std::vector<int32_t> lengths;   // [K * num_rows]
};

// kSchema when a key holds floats: TorchRec's KJT has one dtype for all keys. Without keys the
// layout cannot say how many rows there are.
Result<TorchrecLayout> to_torchrec(const KeyedJaggedTensor& kjt);

// kDataLoss when the lengths do not add up to the values, are negative, or are not a multiple of
// the number of keys, or when a key comes twice.
Result<KeyedJaggedTensor> from_torchrec(const TorchrecLayout& layout);

}  // namespace onefold
