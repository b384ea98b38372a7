// SPDX-License-Identifier: Apache-2.0
#include "onefold/table/level_bits.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>

#include <parquet/exception.h>

namespace onefold {
namespace {

using parquet::ParquetException;

// Reads a ULEB128 number at `position` and moves it on.
uint64_t read_varint(std::span<const uint8_t> bytes, size_t& position) {
  uint64_t value = 0;
  for (int shift = 0; shift < 35; shift += 7) {
    if (position >= bytes.size()) break;
    const uint8_t byte = bytes[position++];
    value |= static_cast<uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80) return value;
  }
  throw ParquetException("levels end inside a run header");
}

}  // namespace

void LevelBits::append(std::span<const uint8_t> encoded, int64_t count) {
  size_t position = 0;
  while (count > 0) {
    const uint64_t header = read_varint(encoded, position);
    const int64_t run = static_cast<int64_t>(header >> 1);
    const bool packed = header & 1;
    const int64_t levels = std::min<int64_t>(count, packed ? run * 8 : run);
    const size_t bytes = packed ? static_cast<size_t>((levels + 7) / 8) : 1;
    if (levels == 0 || bytes > encoded.size() - position) {
      throw ParquetException("levels end before the page does");
    }
    if (packed) {
      append_packed(encoded.data() + position, levels);
      position += static_cast<size_t>(run);
    } else {
      append_run(encoded[position] & 1, levels);
      position += 1;
    }
    if (position > encoded.size() && count > levels) {
      throw ParquetException("levels end before the page does");
    }
    count -= levels;
  }
}

void LevelBits::append_run(bool bit, int64_t count) {
  const int64_t begin = size_, end = size_ + count;
  words_.resize((end + 63) / 64, 0);
  size_ = end;
  if (!bit) return;
  const int64_t first = begin >> 6, last = (end - 1) >> 6;
  const uint64_t head = ~uint64_t{0} << (begin & 63);
  const uint64_t tail = ~uint64_t{0} >> (63 - ((end - 1) & 63));
  if (first == last) {
    words_[first] |= head & tail;
    return;
  }
  words_[first] |= head;
  std::fill(words_.begin() + first + 1, words_.begin() + last, ~uint64_t{0});
  words_[last] |= tail;
}

void LevelBits::append_packed(const uint8_t* bytes, int64_t count) {
  words_.resize((size_ + count + 63) / 64, 0);
  while (count > 0) {
    const int64_t taken = std::min<int64_t>(count, 64);
    uint64_t word = 0;
    std::memcpy(&word, bytes, (taken + 7) / 8);
    if (taken < 64) word &= (uint64_t{1} << taken) - 1;
    const int shift = static_cast<int>(size_ & 63);
    words_[size_ >> 6] |= word << shift;
    if (shift + taken > 64) words_[(size_ >> 6) + 1] |= word >> (64 - shift);
    size_ += taken;
    count -= taken;
    bytes += 8;
  }
}

int64_t LevelBits::count_ones(int64_t begin, int64_t end) const {
  if (begin >= end) return 0;
  const int64_t first = begin >> 6, last = (end - 1) >> 6;
  int64_t ones = 0;
  for (int64_t w = first; w <= last; ++w) {
    uint64_t word = words_[w];
    if (w == first) word &= ~uint64_t{0} << (begin & 63);
    if (w == last) word &= ~uint64_t{0} >> (63 - ((end - 1) & 63));
    ones += std::popcount(word);
  }
  return ones;
}

std::vector<int32_t> offsets_from_levels(const LevelBits& repetition, const LevelBits& definition,
                                         int64_t num_rows) {
  const int64_t num_entries = repetition.size();
  const int64_t num_values = definition.count_ones(0, definition.size());
  if (definition.size() != num_entries) throw ParquetException("levels differ in number");
  if (num_values > std::numeric_limits<int32_t>::max()) {
    throw ParquetException("a row group has more than 2^31 - 1 values");
  }
  if (num_entries > 0 && repetition[0]) throw ParquetException("values come before the first row");
  const bool any_empty = num_values != num_entries;
  std::vector<int32_t> offsets;
  offsets.reserve(num_rows + 1);
  int64_t empty_rows = 0;
  for (size_t w = 0; w < repetition.words().size(); ++w) {
    uint64_t starts = ~repetition.words()[w];
    const int64_t left = num_entries - static_cast<int64_t>(w) * 64;
    if (left < 64) starts &= (uint64_t{1} << left) - 1;
    for (; starts != 0; starts &= starts - 1) {
      const int64_t entry = static_cast<int64_t>(w) * 64 + std::countr_zero(starts);
      offsets.push_back(static_cast<int32_t>(entry - empty_rows));
      if (any_empty && !definition[entry]) ++empty_rows;
    }
  }
  if (static_cast<int64_t>(offsets.size()) != num_rows) {
    throw ParquetException("a column has ", offsets.size(), " rows, expected ", num_rows);
  }
  // Every entry without a value began a row; otherwise levels contradict each other.
  if (num_entries - empty_rows != num_values)
    throw ParquetException("levels contradict each other");
  offsets.push_back(static_cast<int32_t>(num_values));
  return offsets;
}

}  // namespace onefold
