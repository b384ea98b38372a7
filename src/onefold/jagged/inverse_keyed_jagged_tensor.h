// SPDX-License-Identifier: Apache-2.0
// InverseKeyedJaggedTensor (IKJT): one feature group with each distinct row stored once.
//
//   samples            c [7,8] d [9]     c [7,8] d [9]     c [10] d [11]
//   unique rows (U=2)  c [7,8] d [9]                       c [10] d [11]
//   inverse_indices    0                 0                 1               one per sample (B=3)
//
// The type of RecD (arXiv 2211.05239), whose figure names the index `inverse_lookup`; here it has
// TorchRec's name. A row is shared only when every key of the group is equal, bit for bit.
#pragma once

#include <cstdint>
#include <vector>

#include "onefold/jagged/keyed_jagged_tensor.h"

namespace onefold {

class InverseKeyedJaggedTensor {
 public:
  InverseKeyedJaggedTensor() = default;  // no samples, no keys

  // kDataLoss unless 0 <= inverse_indices[i] < U <= B, every unique row is used, and unique rows
  // are numbered in the order in which samples first use them.
  static Result<InverseKeyedJaggedTensor> make(KeyedJaggedTensor unique,
                                               std::vector<int32_t> inverse_indices);

  // Every sample its own row: U == B. What `--dedup off` runs on.
  static InverseKeyedJaggedTensor identity(KeyedJaggedTensor rows);

  int64_t num_samples() const { return static_cast<int64_t>(inverse_indices_.size()); }  // B
  int64_t num_unique() const { return unique_.num_rows(); }                              // U
  const KeyedJaggedTensor& unique() const { return unique_; }
  const std::vector<int32_t>& inverse_indices() const { return inverse_indices_; }  // [B]
  // Elementwise and per-row transforms may change unique rows; the number of rows stays.
  KeyedJaggedTensor& mutable_unique() { return unique_; }

  friend bool operator==(const InverseKeyedJaggedTensor&,
                         const InverseKeyedJaggedTensor&) = default;

 private:
  KeyedJaggedTensor unique_;
  std::vector<int32_t> inverse_indices_;
};

}  // namespace onefold
