// SPDX-License-Identifier: Apache-2.0
// Repetition and definition levels of a column whose levels are only 0 or 1, kept as bits.
//
//   rows               [3,4,5] [] [4,5,6]
//   repetition levels  0 1 1   0  0 1 1      0 begins a row
//   definition levels  1 1 1   0  1 1 1      0 stands for an empty row
//   offsets            0 3 3 6
//
// The Parquet library widens every level to an int16 before anyone looks at it: 4 bytes of traffic
// for each 8-byte value. Here a run of ones costs one memset, and finding the row starts looks at
// 64 entries at a time.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace onefold {

class LevelBits {
 public:
  // Appends `count` levels of Parquet's RLE/bit-packed hybrid encoding at bit width 1.
  // Throws parquet::ParquetException when `encoded` holds fewer.
  void append(std::span<const uint8_t> encoded, int64_t count);

  int64_t size() const { return size_; }
  bool operator[](int64_t i) const { return (words_[i >> 6] >> (i & 63)) & 1; }
  int64_t count_ones(int64_t begin, int64_t end) const;
  const std::vector<uint64_t>& words() const { return words_; }  // bits past size() are 0

 private:
  void append_run(bool bit, int64_t count);
  void append_packed(const uint8_t* bytes, int64_t count);

  std::vector<uint64_t> words_;
  int64_t size_ = 0;
};

// The rows' offsets [num_rows + 1]. Throws parquet::ParquetException unless the levels describe
// exactly `num_rows` rows.
std::vector<int32_t> offsets_from_levels(const LevelBits& repetition, const LevelBits& definition,
                                         int64_t num_rows);

}  // namespace onefold
