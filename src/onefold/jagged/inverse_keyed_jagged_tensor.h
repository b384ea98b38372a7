// SPDX-License-Identifier: Apache-2.0
// InverseKeyedJaggedTensor (IKJT): one feature group with each distinct row stored once.
//
//   samples            c [7,8] d [9]     c [7,8] d [9]     c [10] d [11]
//   unique rows (U=2)  c [7,8] d [9]                       c [10] d [11]
//   inverse_indices    0                 0                 1               one per sample (B=3)
//
// The type of RecD (arXiv 2211.05239), whose figure names the index `inverse_lookup`; here it has
// TorchRec's name. A row is shared only when every key of the group is equal, bit for bit.
//
// Windowed, unique rows are windows on payload rows and may overlap (a partial IKJT):
//
//   samples            [3,4,5]   [4,5,6]   [3,4,5]
//   payload rows (P=1) [3,4,5,6]
//   windows (U=2)      (0, 0, 3) (0, 1, 3)           payload row, start, length
//   inverse_indices    0         1         0
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "onefold/jagged/row_windows.h"

namespace onefold {

class InverseKeyedJaggedTensor {
 public:
  InverseKeyedJaggedTensor() = default;  // no samples, no keys

  // kDataLoss unless 0 <= inverse_indices[i] < U <= B, every unique row is used, and unique rows
  // are numbered in the order in which samples first use them.
  static Result<InverseKeyedJaggedTensor> make(KeyedJaggedTensor unique,
                                               std::vector<int32_t> inverse_indices);

  // kDataLoss as make(), and as check_windows().
  static Result<InverseKeyedJaggedTensor> make_windowed(KeyedJaggedTensor payload,
                                                        RowWindows windows,
                                                        std::vector<int32_t> inverse_indices);

  // Every sample its own row: U == B. What `--dedup off` runs on.
  static InverseKeyedJaggedTensor identity(KeyedJaggedTensor rows);

  int64_t num_samples() const { return static_cast<int64_t>(inverse_indices_.size()); }  // B
  int64_t num_unique() const { return windows_ ? windows_->size() : rows_.num_rows(); }  // U
  const std::vector<int32_t>& inverse_indices() const { return inverse_indices_; }       // [B]
  const std::vector<std::string>& keys() const { return rows_.keys(); }

  // The unique rows [U]. REQUIRES: not is_windowed(): exact() has them (CheckError).
  const KeyedJaggedTensor& unique() const;
  // Elementwise and per-row transforms may change unique rows; the number of rows stays.
  KeyedJaggedTensor& mutable_unique();

  bool is_windowed() const { return windows_.has_value(); }
  // What is stored: payload rows [P] if windowed, else the unique rows. Elementwise transforms may
  // change values, once for all windows that hold them.
  const KeyedJaggedTensor& payload() const { return rows_; }
  KeyedJaggedTensor& mutable_payload() { return rows_; }
  // REQUIRES: is_windowed().
  const RowWindows& windows() const;
  // Each window to its last `max_length` values. REQUIRES: is_windowed(), and the keys' lists of a
  // payload row are of one length.
  void keep_newest(int32_t max_length);

  // The same samples with unique rows: windows cut out, [U]. Itself when not windowed.
  InverseKeyedJaggedTensor exact() &&;
  InverseKeyedJaggedTensor exact() const& { return InverseKeyedJaggedTensor(*this).exact(); }

  friend bool operator==(const InverseKeyedJaggedTensor&,
                         const InverseKeyedJaggedTensor&) = default;

 private:
  KeyedJaggedTensor rows_;
  std::optional<RowWindows> windows_;
  std::vector<int32_t> inverse_indices_;
};

}  // namespace onefold
