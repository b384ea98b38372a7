// SPDX-License-Identifier: Apache-2.0
// Lists of different lengths, stored flat.
//
//   rows     [3,4,5] [] [4,5,6]
//   values   3 4 5 4 5 6
//   offsets  0 3 3 6            always num_rows + 1 entries, offsets[0] == 0 even when empty
//
// JaggedView borrows, JaggedTensor owns. Offsets are int32: a batch holds fewer than 2^31 values;
// files use 64 bits. The layout is TorchRec's JaggedTensor with offsets instead of lengths.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "onefold/base/status.h"

namespace onefold {

// Throws CheckError when a tensor of so many values would not fit int32 offsets.
void check_num_values(int64_t num_values);

template <typename T>
struct JaggedView {
  std::span<const T> values;         // [offsets[num_rows]]
  std::span<const int32_t> offsets;  // [num_rows + 1]

  int64_t num_rows() const { return static_cast<int64_t>(offsets.size()) - 1; }
  int32_t length(int64_t row) const { return offsets[row + 1] - offsets[row]; }
  std::span<const T> row(int64_t row) const { return values.subspan(offsets[row], length(row)); }
};

template <typename T>
class JaggedTensor {
 public:
  JaggedTensor() = default;  // no rows

  // Takes both arrays. kDataLoss unless offsets start at 0, never decrease and end at
  // values.size().
  static Result<JaggedTensor> make(std::vector<T> values, std::vector<int32_t> offsets);

  int64_t num_rows() const { return static_cast<int64_t>(offsets_.size()) - 1; }
  int64_t num_values() const { return static_cast<int64_t>(values_.size()); }
  int32_t length(int64_t row) const { return offsets_[row + 1] - offsets_[row]; }
  std::span<const T> row(int64_t row) const { return view().row(row); }
  JaggedView<T> view() const { return {values_, offsets_}; }

  const std::vector<T>& values() const { return values_; }
  const std::vector<int32_t>& offsets() const { return offsets_; }
  std::vector<T>& mutable_values() { return values_; }  // elementwise changes only

  void reserve(int64_t num_rows, int64_t num_values);
  // Append one row, or rows [begin, end) of `rows`, from outside this tensor. Throw CheckError
  // when the values would pass 2^31 - 1.
  void push_row(std::span<const T> row);
  void push_rows(JaggedView<T> rows, int64_t begin, int64_t end);

  friend bool operator==(const JaggedTensor& a, const JaggedTensor& b) {
    return a.offsets_ == b.offsets_ && bytes_equal(a.values_, b.values_);
  }

  // Equal bit for bit: NaN equals the same NaN, +0 differs from -0.
  static bool bytes_equal(std::span<const T> a, std::span<const T> b);

 private:
  std::vector<T> values_;
  std::vector<int32_t> offsets_ = {0};
};

extern template class JaggedTensor<int64_t>;
extern template class JaggedTensor<float>;

}  // namespace onefold
