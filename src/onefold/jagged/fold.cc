// SPDX-License-Identifier: Apache-2.0
#include "onefold/jagged/fold.h"

#include <unordered_map>
#include <utility>

#include "onefold/base/hash.h"

namespace onefold {
namespace {

uint64_t hash_row(const KeyedJaggedTensor& rows, int64_t row) {
  uint64_t hash = 0;
  for (int64_t k = 0; k < rows.num_keys(); ++k) {
    std::visit(
        [&](const auto& tensor) {
          const auto values = tensor.row(row);
          // The length goes in first: without it [7],[8,9] and [7,8],[9] would hash alike.
          hash = hash64(static_cast<int64_t>(values.size()), hash);
          hash = hash64(values.data(), values.size_bytes(), hash);
        },
        rows.column(k));
  }
  return hash;
}

bool rows_equal(const KeyedJaggedTensor& rows, int64_t a, int64_t b) {
  for (int64_t k = 0; k < rows.num_keys(); ++k) {
    const bool equal = std::visit(
        [&](const auto& tensor) { return tensor.bytes_equal(tensor.row(a), tensor.row(b)); },
        rows.column(k));
    if (!equal) return false;
  }
  return true;
}

template <typename T>
JaggedTensor<T> select(const JaggedTensor<T>& rows, std::span<const int32_t> indices) {
  int64_t num_values = 0;
  for (int32_t index : indices) num_values += rows.length(index);
  JaggedTensor<T> selected;
  selected.reserve(indices.size(), num_values);
  for (int32_t index : indices) selected.push_row(rows.row(index));
  return selected;
}

}  // namespace

InverseKeyedJaggedTensor fold(const KeyedJaggedTensor& rows) {
  const int64_t num_rows = rows.num_rows();
  std::vector<int32_t> inverse(num_rows);
  std::vector<int32_t> first_row;              // [U]: the row that introduced unique row u
  std::unordered_multimap<uint64_t, int32_t> seen;  // hash -> u
  for (int64_t row = 0; row < num_rows; ++row) {
    if (row > 0 && rows_equal(rows, row - 1, row)) {
      inverse[row] = inverse[row - 1];
      continue;
    }
    const uint64_t hash = hash_row(rows, row);
    int32_t unique = -1;
    for (auto [it, end] = seen.equal_range(hash); it != end; ++it) {
      if (rows_equal(rows, first_row[it->second], row)) unique = it->second;
    }
    if (unique < 0) {
      unique = static_cast<int32_t>(first_row.size());
      first_row.push_back(static_cast<int32_t>(row));
      seen.emplace(hash, unique);
    }
    inverse[row] = unique;
  }
  return InverseKeyedJaggedTensor::make(select_rows(rows, first_row), std::move(inverse)).value();
}

KeyedJaggedTensor expand(const InverseKeyedJaggedTensor& ikjt) {
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
