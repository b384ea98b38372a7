// SPDX-License-Identifier: Apache-2.0
// ArrowLists: the rows of an Arrow array of lists, of whichever of its kinds, as ranges of values.
//
//   [[7, 8], null, [9]]  ->  values 7 8 9   row 0: begin 0 size 2   row 1: size 0, null   row 2: 2,
//   1
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include <arrow/type_fwd.h>

#include "onefold/base/status.h"

namespace onefold {

class ArrowLists {
 public:
  // LIST, LARGE_LIST, FIXED_SIZE_LIST and MAP.
  static bool holds(const arrow::DataType& type);

  // REQUIRES: holds(*array.type()); the array lives.
  explicit ArrowLists(const arrow::Array& array);

  int64_t num_rows() const;
  bool is_null(int64_t row) const;
  int64_t size(int64_t row) const;   // values of a row; of a null 0
  int64_t begin(int64_t row) const;  // of a row's values in values()
  const std::shared_ptr<arrow::Array>& values() const { return values_; }

 private:
  const arrow::Array& array_;
  std::shared_ptr<arrow::Array> values_;
  const int32_t* offsets_ = nullptr;        // LIST, MAP: [num_rows + 1]
  const int64_t* large_offsets_ = nullptr;  // LARGE_LIST
  int64_t first_ = 0, fixed_size_ = 0;      // FIXED_SIZE_LIST
};

// Values of all lists of a column; 1 for each row that is there of a column of no lists.
int64_t num_list_values(const arrow::ChunkedArray& column);

// The chunks of a column as one array, copied if there are several. `where` begins the message.
Result<std::shared_ptr<arrow::Array>> one_array(const arrow::ChunkedArray& column,
                                                const std::string& where);

}  // namespace onefold
