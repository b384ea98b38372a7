// SPDX-License-Identifier: Apache-2.0
// fold_rows: which rows of some columns are equal to an earlier one, wherever it stands.
//
//   column a   [1,2] [1,2] [3] [1,2]       rows  0 2        rows that are new, in order
//   column b   "x"   "x"   "x" "x"         refs  0 0 1 0    of each row, into `rows`
#pragma once

#include <cstdint>
#include <memory>
#include <unordered_set>
#include <vector>

#include <arrow/type_fwd.h>

namespace onefold {

struct FoldedRows {
  std::vector<int64_t> rows;  // [num_unique] first row of each distinct one, ascending
  std::vector<int32_t> refs;  // [num_rows] 0..num_unique-1, in first-seen order
  int64_t bytes = 0;          // of the values of all rows, lengths and nulls included
  int64_t unique_bytes = 0;   // of the distinct rows
};

// Rows are compared byte by byte (row_bytes.h) when their hashes agree. Memory: the bytes of the
// distinct rows. REQUIRES: columns of `num_rows` < 2^31 rows and of types with row bytes.
FoldedRows fold_rows(const std::vector<std::shared_ptr<arrow::ChunkedArray>>& columns,
                     int64_t num_rows);

// FoldedRows::bytes alone.
int64_t value_bytes(const std::vector<std::shared_ptr<arrow::ChunkedArray>>& columns,
                    int64_t num_rows);

// Counts distinct values by their hash: 8 bytes of memory each, and one error in 2^64 pairs.
class DistinctValues {
 public:
  void add(const arrow::ChunkedArray& column);  // REQUIRES: of a type with row bytes
  size_t size() const { return hashes_.size(); }

 private:
  std::unordered_set<uint64_t> hashes_;
};

}  // namespace onefold
