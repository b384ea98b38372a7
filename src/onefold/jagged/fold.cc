// SPDX-License-Identifier: Apache-2.0
#include "onefold/jagged/fold.h"

#include <bit>
#include <cstring>
#include <limits>
#include <utility>

#include "onefold/base/hash.h"

namespace onefold {
namespace {

// A column without its type: equality and hashing look at bytes only, and the loops below would
// otherwise pay one std::visit for each key of each row.
struct ByteColumn {
  const char* values;      // nullptr when there are none
  const int32_t* offsets;  // [num_rows + 1]
  size_t value_bytes;

  size_t row_bytes(int64_t row) const { return (offsets[row + 1] - offsets[row]) * value_bytes; }
  const char* row(int64_t row) const { return values + offsets[row] * value_bytes; }
};

std::vector<ByteColumn> byte_columns(const KeyedJaggedTensor& rows) {
  std::vector<ByteColumn> columns;
  for (int64_t k = 0; k < rows.num_keys(); ++k) {
    std::visit(
        [&](const auto& tensor) {
          columns.push_back({reinterpret_cast<const char*>(tensor.values().data()),
                             tensor.offsets().data(), sizeof(tensor.values()[0])});
        },
        rows.column(k));
  }
  return columns;
}

// Each list is hashed by itself, with its length, before the hashes are joined: over the values
// in one run, [7],[8,9] and [7,8],[9] would hash alike.
uint64_t hash_row(const std::vector<ByteColumn>& columns, int64_t row) {
  uint64_t hash = 0;
  for (const ByteColumn& column : columns) {
    const uint64_t list = hash64(column.row(row), column.row_bytes(row));
    hash = hash64(static_cast<int64_t>(list), hash);
  }
  return hash;
}

bool rows_equal(const std::vector<ByteColumn>& columns, int64_t a, int64_t b) {
  for (const ByteColumn& column : columns) {
    const size_t bytes = column.row_bytes(a);
    if (bytes != column.row_bytes(b)) return false;
    if (bytes != 0 && std::memcmp(column.row(a), column.row(b), bytes) != 0) return false;
  }
  return true;
}

// Unique rows by hash: open addressing, at most half full, sized once.
class UniqueRows {
 public:
  explicit UniqueRows(int64_t max_rows) : slots_(std::bit_ceil<uint64_t>(2 * max_rows + 1), -1) {}

  // The unique row with this hash for which `is_equal(first row)` holds, or a new one, whose first
  // row is `row`.
  template <typename Equal>
  int32_t find_or_add(uint64_t hash, int32_t row, Equal is_equal) {
    const uint64_t mask = slots_.size() - 1;
    for (uint64_t slot = hash & mask;; slot = (slot + 1) & mask) {
      const int32_t unique = slots_[slot];
      if (unique < 0) {
        slots_[slot] = static_cast<int32_t>(first_row_.size());
        first_row_.push_back(row);
        hashes_.push_back(hash);
        return slots_[slot];
      }
      if (hashes_[unique] == hash && is_equal(first_row_[unique])) return unique;
    }
  }

  const std::vector<int32_t>& first_row() const { return first_row_; }  // [U]

 private:
  std::vector<int32_t> slots_;  // unique row, or -1
  std::vector<int32_t> first_row_;
  std::vector<uint64_t> hashes_;  // [U]
};

template <typename T>
JaggedTensor<T> select(const JaggedTensor<T>& rows, std::span<const int32_t> indices) {
  std::vector<int32_t> offsets(indices.size() + 1);
  int64_t num_values = 0;
  for (size_t i = 0; i < indices.size(); ++i) {
    num_values += rows.length(indices[i]);
    check_num_values(num_values);
    offsets[i + 1] = static_cast<int32_t>(num_values);
  }
  std::vector<T> values;
  values.reserve(num_values);  // not sized: that would write the memory twice
  const int32_t* from = rows.offsets().data();
  for (size_t begin = 0, end = 0; begin < indices.size(); begin = end) {
    // Neighbours are copied together: rows without repeats then fold in one copy.
    do ++end;
    while (end < indices.size() && indices[end] == indices[end - 1] + 1);
    values.insert(values.end(), rows.values().begin() + from[indices[begin]],
                  rows.values().begin() + from[indices[end - 1] + 1]);
  }
  return JaggedTensor<T>::make(std::move(values), std::move(offsets)).value();
}

}  // namespace

InverseKeyedJaggedTensor fold(const KeyedJaggedTensor& rows) {
  return fold_by_hash(rows, ~uint64_t{0});
}

InverseKeyedJaggedTensor fold_by_hash(const KeyedJaggedTensor& rows, uint64_t hash_mask) {
  const int64_t num_rows = rows.num_rows();
  ONEFOLD_CHECK(num_rows <= std::numeric_limits<int32_t>::max(),
                "a batch has fewer than 2^31 rows");
  const std::vector<ByteColumn> columns = byte_columns(rows);
  std::vector<int32_t> inverse(num_rows);
  UniqueRows seen(num_rows);
  for (int32_t row = 0; row < num_rows; ++row) {
    if (row > 0 && rows_equal(columns, row - 1, row)) {
      inverse[row] = inverse[row - 1];
      continue;
    }
    inverse[row] = seen.find_or_add(hash_row(columns, row) & hash_mask, row,
                                    [&](int32_t first) { return rows_equal(columns, first, row); });
  }
  return InverseKeyedJaggedTensor::make(select_rows(rows, seen.first_row()), std::move(inverse))
      .value();
}

std::vector<uint64_t> hash_rows(const KeyedJaggedTensor& rows) {
  const std::vector<ByteColumn> columns = byte_columns(rows);
  std::vector<uint64_t> hashes(rows.num_rows());
  for (int64_t row = 0; row < rows.num_rows(); ++row) hashes[row] = hash_row(columns, row);
  return hashes;
}

bool rows_equal(const KeyedJaggedTensor& a, int64_t row_a, const KeyedJaggedTensor& b,
                int64_t row_b) {
  for (int64_t k = 0; k < a.num_keys(); ++k) {
    const bool equal = std::visit(
        [&](const auto& rows) {
          const auto& other = std::get<std::decay_t<decltype(rows)>>(b.column(k));
          return rows.bytes_equal(rows.row(row_a), other.row(row_b));
        },
        a.column(k));
    if (!equal) return false;
  }
  return true;
}

KeyedJaggedTensor expand(const InverseKeyedJaggedTensor& ikjt) {
  if (ikjt.is_windowed()) return expand(ikjt.exact());
  return select_rows(ikjt.unique(), ikjt.inverse_indices());
}

KeyedJaggedTensor select_rows(const KeyedJaggedTensor& rows, std::span<const int32_t> indices) {
  KeyedJaggedTensor selected(static_cast<int64_t>(indices.size()));
  for (int64_t k = 0; k < rows.num_keys(); ++k) {
    std::visit([&](const auto& tensor) { selected.add(rows.keys()[k], select(tensor, indices)); },
               rows.column(k));
  }
  return selected;
}

Result<InverseKeyedJaggedTensor> from_refs(const KeyedJaggedTensor& payload,
                                           std::span<const int32_t> refs) {
  std::vector<int32_t> unique_of_ref(payload.num_rows(), -1);
  std::vector<int32_t> used;  // [U]: the payload row of unique row u
  std::vector<int32_t> inverse(refs.size());
  for (size_t i = 0; i < refs.size(); ++i) {
    if (refs[i] < 0 || refs[i] >= payload.num_rows()) {
      return data_loss("sample " + std::to_string(i) + " refers to payload row " +
                       std::to_string(refs[i]) + " of " + std::to_string(payload.num_rows()));
    }
    int32_t& unique = unique_of_ref[refs[i]];
    if (unique < 0) {
      unique = static_cast<int32_t>(used.size());
      used.push_back(refs[i]);
    }
    inverse[i] = unique;
  }
  return InverseKeyedJaggedTensor::make(select_rows(payload, used), std::move(inverse));
}

}  // namespace onefold
