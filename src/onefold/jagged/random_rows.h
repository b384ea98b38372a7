// SPDX-License-Identifier: Apache-2.0
// For tests and benchmarks only: seeded random groups that repeat rows, and the obvious model that
// operations on them are compared with.
#pragma once

#include <bit>
#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "onefold/jagged/keyed_jagged_tensor.h"

namespace onefold {

// jagged<int64_t>({{3, 4, 5}, {}, {7}})
template <typename T>
JaggedTensor<T> jagged(const std::vector<std::vector<T>>& rows) {
  JaggedTensor<T> tensor;
  for (const std::vector<T>& row : rows) tensor.push_row(row);
  return tensor;
}

struct RandomRows {
  int64_t num_rows = 0;
  int num_distinct = 1;  // rows are drawn from a pool of so many, some of them equal by chance
  int max_length = 3;
  double stay = 0.5;         // chance that a row repeats the row before it
  std::string kinds = "if";  // one key each: i = ids, f = floats
};

// Values that compare unlike their bits, or hash alike when list borders are forgotten.
inline int64_t random_value(std::mt19937_64& random, int64_t) {
  return static_cast<int64_t>(random() % 3) - 1;
}
inline float random_value(std::mt19937_64& random, float) {
  const float values[] = {0.0f,
                          -0.0f,
                          std::bit_cast<float>(0x7fc00000u),
                          std::bit_cast<float>(0x7fc00001u),
                          std::bit_cast<float>(0xffc00000u),
                          1.5f,
                          -std::numeric_limits<float>::infinity()};
  return values[random() % std::size(values)];
}

template <typename T>
JaggedTensor<T> random_column(std::mt19937_64& random, const RandomRows& options,
                              const std::vector<int>& picks) {
  std::vector<std::vector<T>> pool(options.num_distinct);
  for (std::vector<T>& row : pool) {
    row.resize(random() % (options.max_length + 1));
    for (T& value : row) value = random_value(random, T{});
  }
  JaggedTensor<T> column;
  for (int pick : picks) column.push_row(pool[pick]);
  return column;
}

// Keys "k0", "k1", ... of options.kinds over the same rows.
inline KeyedJaggedTensor random_rows(uint64_t seed, const RandomRows& options) {
  std::mt19937_64 random(seed);
  std::vector<int> picks(options.num_rows);
  for (size_t i = 0; i < picks.size(); ++i) {
    const bool stays = i > 0 && (random() % 1000) < options.stay * 1000;
    picks[i] = stays ? picks[i - 1] : static_cast<int>(random() % options.num_distinct);
  }
  KeyedJaggedTensor rows(options.num_rows);
  for (char kind : options.kinds) {
    const std::string key = "k" + std::to_string(rows.num_keys());
    if (kind == 'i') {
      rows.add(key, random_column<int64_t>(random, options, picks));
    } else {
      rows.add(key, random_column<float>(random, options, picks));
    }
  }
  return rows;
}

// The model: rows[i][k] holds the bytes of row i, key k.
using ByteRows = std::vector<std::vector<std::string>>;

inline ByteRows byte_rows(const KeyedJaggedTensor& kjt) {
  ByteRows rows(kjt.num_rows());
  for (int64_t k = 0; k < kjt.num_keys(); ++k) {
    std::visit(
        [&](const auto& column) {
          for (int64_t i = 0; i < kjt.num_rows(); ++i) {
            const auto row = column.row(i);
            rows[i].emplace_back(reinterpret_cast<const char*>(row.data()), row.size_bytes());
          }
        },
        kjt.column(k));
  }
  return rows;
}

}  // namespace onefold
