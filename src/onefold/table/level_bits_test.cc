// SPDX-License-Identifier: Apache-2.0
#include "onefold/table/level_bits.h"

#include <random>

#include <gtest/gtest.h>
#include <parquet/exception.h>

namespace onefold {
namespace {

void append_varint(std::vector<uint8_t>& out, uint64_t value) {
  for (; value >= 0x80; value >>= 7) out.push_back(static_cast<uint8_t>(value) | 0x80);
  out.push_back(static_cast<uint8_t>(value));
}

// Parquet's hybrid of run-length and bit-packed runs, chosen at random: every decoder must read
// every mixture. Bit-packed runs are padded to 8 levels, so only the last one may end early.
std::vector<uint8_t> encode(const std::vector<bool>& levels, std::mt19937_64& random) {
  std::vector<uint8_t> out;
  for (size_t i = 0; i < levels.size();) {
    size_t run = 1;
    while (i + run < levels.size() && levels[i + run] == levels[i]) ++run;
    const bool packed = random() % 2 == 0;
    if (!packed) {
      run = 1 + random() % run;
      append_varint(out, run << 1);
      out.push_back(levels[i]);
      i += run;
      continue;
    }
    const size_t groups = std::min<size_t>(1 + random() % 20, (levels.size() - i + 7) / 8);
    append_varint(out, groups << 1 | 1);
    for (size_t g = 0; g < groups; ++g) {
      uint8_t byte = 0;
      for (int b = 0; b < 8 && i < levels.size(); ++b, ++i) byte |= levels[i] << b;
      out.push_back(byte);
    }
  }
  return out;
}

// Rows and their levels, of `num_rows` rows with lengths as `max_length` allows.
struct Rows {
  std::vector<bool> repetition, definition;
  std::vector<int32_t> offsets = {0};
};

Rows random_rows(int64_t num_rows, int max_length, std::mt19937_64& random) {
  Rows rows;
  for (int64_t r = 0; r < num_rows; ++r) {
    const int length = max_length == 0 ? 0 : static_cast<int>(random() % (max_length + 1));
    rows.offsets.push_back(rows.offsets.back() + length);
    for (int i = 0; i < std::max(1, length); ++i) {
      rows.repetition.push_back(i > 0);
      rows.definition.push_back(length > 0);
    }
  }
  return rows;
}

TEST(LevelBitsTest, AnyMixtureOfRunsGivesTheLevelsBack) {
  std::mt19937_64 random(1);
  for (const int64_t size : {0, 1, 7, 8, 9, 63, 64, 65, 127, 128, 129, 1000}) {
    for (const int percent : {0, 3, 50, 97, 100}) {
      std::vector<bool> levels(size);
      for (int64_t i = 0; i < size; ++i) levels[i] = static_cast<int>(random() % 100) < percent;
      LevelBits bits;
      // Two pages, so that the second begins at any bit of a word.
      const int64_t cut = size == 0 ? 0 : static_cast<int64_t>(random() % size);
      bits.append(encode({levels.begin(), levels.begin() + cut}, random), cut);
      bits.append(encode({levels.begin() + cut, levels.end()}, random), size - cut);
      ASSERT_EQ(bits.size(), size);
      int64_t ones = 0;
      for (int64_t i = 0; i < size; ++i) {
        ASSERT_EQ(bits[i], levels[i]) << "level " << i << " of " << size;
        ones += levels[i];
        ASSERT_EQ(bits.count_ones(0, i + 1), ones);
      }
      ASSERT_EQ(bits.count_ones(cut, size), ones - bits.count_ones(0, cut));
    }
  }
}

TEST(LevelBitsTest, OffsetsOfRandomRows) {
  std::mt19937_64 random(2);
  for (const int64_t num_rows : {0, 1, 2, 31, 64, 65, 500}) {
    for (const int max_length : {0, 1, 2, 70, 300}) {
      const Rows rows = random_rows(num_rows, max_length, random);
      LevelBits repetition, definition;
      repetition.append(encode(rows.repetition, random), rows.repetition.size());
      definition.append(encode(rows.definition, random), rows.definition.size());
      EXPECT_EQ(offsets_from_levels(repetition, definition, num_rows), rows.offsets)
          << num_rows << " rows of up to " << max_length;
      EXPECT_THROW(offsets_from_levels(repetition, definition, num_rows + 1),
                   parquet::ParquetException);
    }
  }
}

TEST(LevelBitsTest, ContradictoryLevelsAreRefused) {
  std::mt19937_64 random(3);
  auto bits = [&](const std::vector<bool>& levels) {
    LevelBits result;
    result.append(encode(levels, random), static_cast<int64_t>(levels.size()));
    return result;
  };
  // [3,4] and [5]: fine. Then: no first row; an empty entry inside a row; one level too few.
  EXPECT_EQ(offsets_from_levels(bits({0, 1, 0}), bits({1, 1, 1}), 2), (std::vector{0, 2, 3}));
  EXPECT_THROW(offsets_from_levels(bits({1, 1, 0}), bits({1, 1, 1}), 1), parquet::ParquetException);
  EXPECT_THROW(offsets_from_levels(bits({0, 1, 0}), bits({1, 0, 1}), 2), parquet::ParquetException);
  EXPECT_THROW(offsets_from_levels(bits({0, 1, 0}), bits({1, 1}), 2), parquet::ParquetException);
}

TEST(LevelBitsTest, EveryTruncationIsRefused) {
  std::mt19937_64 random(4);
  std::vector<bool> levels(300);
  for (size_t i = 0; i < levels.size(); ++i) levels[i] = random() % 3 > 0;
  const std::vector<uint8_t> encoded = encode(levels, random);
  for (size_t size = 0; size < encoded.size(); ++size) {
    LevelBits bits;
    EXPECT_THROW(bits.append(std::span(encoded).first(size), 300), parquet::ParquetException)
        << size << " of " << encoded.size() << " bytes";
  }
}

TEST(LevelBitsTest, ARunOfNoLevelsIsRefused) {
  LevelBits bits;  // or it would never end
  EXPECT_THROW(bits.append(std::vector<uint8_t>{0, 0, 0, 0}, 5), parquet::ParquetException);
}

}  // namespace
}  // namespace onefold
