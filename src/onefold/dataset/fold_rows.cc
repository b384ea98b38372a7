// SPDX-License-Identifier: Apache-2.0
#include "onefold/dataset/fold_rows.h"

#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include <arrow/array/array_base.h>
#include <arrow/chunked_array.h>

#include "onefold/base/check.h"
#include "onefold/base/hash.h"
#include "onefold/dataset/row_bytes.h"

namespace onefold {
namespace {

// The rows of a chunked column from the first to the last.
class ColumnWalk {
 public:
  explicit ColumnWalk(const arrow::ChunkedArray& column) : column_(column) {}

  void append_next(std::string& bytes) {
    while (!bytes_ || row_ == column_.chunk(chunk_)->length()) {
      if (bytes_) ++chunk_;
      row_ = 0;
      bytes_ = make_row_bytes(*column_.chunk(chunk_));
    }
    bytes_->append(row_++, bytes);
  }

 private:
  const arrow::ChunkedArray& column_;
  int chunk_ = 0;
  int64_t row_ = 0;
  std::unique_ptr<RowBytes> bytes_;  // of the chunk
};

// Distinct byte strings, numbered as they come.
class DistinctBytes {
 public:
  // The number of `bytes`, and whether it is new.
  std::pair<int32_t, bool> insert(std::string_view bytes) {
    const auto fresh = static_cast<int32_t>(next_.size());
    const uint64_t hash = hash64(bytes.data(), bytes.size());
    auto [it, is_new] = newest_.try_emplace(hash, fresh);
    if (!is_new) {
      for (int32_t i = it->second; i >= 0; i = next_[static_cast<size_t>(i)]) {
        if (stored(i) == bytes) return {i, false};
      }
    }
    next_.push_back(is_new ? -1 : std::exchange(it->second, fresh));
    arena_.append(bytes);
    ends_.push_back(arena_.size());
    return {fresh, true};
  }
  int64_t size_bytes() const { return static_cast<int64_t>(arena_.size()); }

 private:
  std::string_view stored(int32_t i) const {
    const size_t begin = i == 0 ? 0 : ends_[static_cast<size_t>(i) - 1];
    return std::string_view(arena_).substr(begin, ends_[static_cast<size_t>(i)] - begin);
  }

  std::unordered_map<uint64_t, int32_t> newest_;  // by hash
  std::vector<int32_t> next_;                     // older ones of the same hash; -1: none
  std::string arena_;
  std::vector<size_t> ends_;
};

}  // namespace

FoldedRows fold_rows(const std::vector<std::shared_ptr<arrow::ChunkedArray>>& columns,
                     int64_t num_rows) {
  std::vector<ColumnWalk> walks;
  for (const auto& column : columns) {
    ONEFOLD_CHECK(column->length() == num_rows, "columns of a row group differ in length");
    walks.emplace_back(*column);
  }
  FoldedRows folded;
  folded.refs.reserve(static_cast<size_t>(num_rows));
  DistinctBytes distinct;
  std::string bytes;
  for (int64_t row = 0; row < num_rows; ++row) {
    bytes.clear();
    for (ColumnWalk& walk : walks) walk.append_next(bytes);
    folded.bytes += static_cast<int64_t>(bytes.size());
    const auto [ref, is_new] = distinct.insert(bytes);
    if (is_new) folded.rows.push_back(row);
    folded.refs.push_back(ref);
  }
  folded.unique_bytes = distinct.size_bytes();
  return folded;
}

int64_t value_bytes(const std::vector<std::shared_ptr<arrow::ChunkedArray>>& columns,
                    int64_t num_rows) {
  int64_t total = 0;
  std::string bytes;
  for (const auto& column : columns) {
    ColumnWalk walk(*column);
    for (int64_t row = 0; row < num_rows; ++row) {
      bytes.clear();
      walk.append_next(bytes);
      total += static_cast<int64_t>(bytes.size());
    }
  }
  return total;
}

void DistinctValues::add(const arrow::ChunkedArray& column) {
  ColumnWalk walk(column);
  std::string bytes;
  for (int64_t row = 0; row < column.length(); ++row) {
    bytes.clear();
    walk.append_next(bytes);
    hashes_.insert(hash64(bytes.data(), bytes.size()));
  }
}

}  // namespace onefold
