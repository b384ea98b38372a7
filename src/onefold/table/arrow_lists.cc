// SPDX-License-Identifier: Apache-2.0
#include "onefold/table/arrow_lists.h"

#include <arrow/array.h>
#include <arrow/array/concatenate.h>
#include <arrow/chunked_array.h>
#include <arrow/type.h>

#include "onefold/log/arrow_status.h"

namespace onefold {

bool ArrowLists::holds(const arrow::DataType& type) {
  switch (type.id()) {
    case arrow::Type::LIST:
    case arrow::Type::MAP:
    case arrow::Type::LARGE_LIST:
    case arrow::Type::FIXED_SIZE_LIST:
      return true;
    default:
      return false;
  }
}

ArrowLists::ArrowLists(const arrow::Array& array) : array_(array) {
  switch (array.type_id()) {
    case arrow::Type::LARGE_LIST: {
      const auto& lists = static_cast<const arrow::LargeListArray&>(array);
      values_ = lists.values();
      large_offsets_ = lists.raw_value_offsets();
      return;
    }
    case arrow::Type::FIXED_SIZE_LIST: {
      const auto& lists = static_cast<const arrow::FixedSizeListArray&>(array);
      values_ = lists.values();
      fixed_size_ = lists.value_length();
      first_ = lists.value_offset(0);
      return;
    }
    default: {
      const auto& lists = static_cast<const arrow::ListArray&>(array);
      values_ = lists.values();
      offsets_ = lists.raw_value_offsets();
    }
  }
}

int64_t ArrowLists::num_rows() const { return array_.length(); }

bool ArrowLists::is_null(int64_t row) const { return array_.IsNull(row); }

int64_t ArrowLists::begin(int64_t row) const {
  if (offsets_ != nullptr) return offsets_[row];
  if (large_offsets_ != nullptr) return large_offsets_[row];
  return first_ + row * fixed_size_;
}

int64_t ArrowLists::size(int64_t row) const {
  if (is_null(row)) return 0;
  if (offsets_ != nullptr) return offsets_[row + 1] - offsets_[row];
  if (large_offsets_ != nullptr) return large_offsets_[row + 1] - large_offsets_[row];
  return fixed_size_;
}

int64_t num_list_values(const arrow::ChunkedArray& column) {
  if (!ArrowLists::holds(*column.type())) return column.length() - column.null_count();
  int64_t num_values = 0;
  for (const auto& chunk : column.chunks()) {
    const ArrowLists lists(*chunk);
    for (int64_t row = 0; row < lists.num_rows(); ++row) num_values += lists.size(row);
  }
  return num_values;
}

Result<std::shared_ptr<arrow::Array>> one_array(const arrow::ChunkedArray& column,
                                                const std::string& where) {
  if (column.num_chunks() == 1) return column.chunk(0);
  std::shared_ptr<arrow::Array> array;
  if (column.num_chunks() == 0) {
    ONEFOLD_ASSIGN_OR_RETURN_ARROW(array, arrow::MakeEmptyArray(column.type()), where);
  } else {
    ONEFOLD_ASSIGN_OR_RETURN_ARROW(array, arrow::Concatenate(column.chunks()), where);
  }
  return array;
}

}  // namespace onefold
