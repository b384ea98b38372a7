// SPDX-License-Identifier: Apache-2.0
// CellColumn: the cells of an Arrow column of any common type, read as what a timeline needs. CSV
// cells are text and are parsed here, so that one bad cell costs one event and not the file.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "onefold/base/status.h"
#include "onefold/timeline/event_mapping.h"

namespace arrow {
class Array;
class DataType;
}  // namespace arrow

namespace onefold {

enum class Cell : uint8_t { kOk, kEmpty, kBad };

class CellColumn {
 public:
  // kSchema when the type is none of integers, floats, booleans, text, timestamps, dictionaries.
  static Status check_type(const arrow::DataType& type, const std::string& column);

  // REQUIRES: check_type() accepts the array's type. Keeps the array alive.
  CellColumn(std::shared_ptr<arrow::Array> array, const ColumnSource& source);

  // Integers as they are; "12" and 12.0 are 12; with hash, the 64-bit hash of the text.
  Cell id(int64_t row, int64_t* value) const;
  // Microseconds since 1970 UTC, by the source's unit; a timestamp column knows its own.
  Cell time_us(int64_t row, int64_t* value) const;
  // Seconds, by the source's unit; negative and non-finite ones are bad.
  Cell seconds(int64_t row, float* value) const;
  // Any number, NaN being an empty cell; of text all of it must be one.
  Cell real(int64_t row, double* value) const;
  // Text as it is, numbers in decimal; never bad.
  Cell name(int64_t row, std::string* value) const;
  // true, non-zero numbers, "true", "True"; an empty cell is false.
  Cell flag(int64_t row, bool* value) const;

 private:
  // The cell's row in array_; -1 for a null. The functions below take such rows.
  int64_t value_row(int64_t row) const;
  bool is_text() const;
  bool is_integer() const;
  bool is_float() const;
  std::string_view text(int64_t row) const;  // REQUIRES: is_text()
  int64_t integer(int64_t row) const;        // REQUIRES: is_integer()
  double floating(int64_t row) const;        // REQUIRES: is_float()
  Cell number(int64_t row, double* value) const;
  Cell integral(int64_t row, int64_t* value) const;

  std::shared_ptr<arrow::Array> array_;    // values; of a dictionary: its dictionary
  std::shared_ptr<arrow::Array> indices_;  // of a dictionary, else null
  ColumnSource source_;
};

}  // namespace onefold
