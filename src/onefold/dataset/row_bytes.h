// SPDX-License-Identifier: Apache-2.0
// RowBytes: the value of a row of any Arrow column as bytes, equal for equal values and different
// for different ones, whatever the nesting: what folding hashes and compares.
//
//   list<int32> [7, null]   ->  1 (there)  2 (length, 8 bytes)  1 (has nulls)  1 7  0
//
// Floats are compared by their bits: NaN payloads and the sign of zero make a difference, since
// folding must give back what was there.
#pragma once

#include <memory>
#include <string>

#include <arrow/type_fwd.h>

#include "onefold/base/status.h"

namespace onefold {

class RowBytes {
 public:
  virtual ~RowBytes() = default;
  // Appends the bytes of row `row`. REQUIRES: the array lives.
  virtual void append(int64_t row, std::string& bytes) const = 0;
};

// False for what Parquet files do not hold: unions, run-end encoding, list views.
bool has_row_bytes(const arrow::DataType& type);

// REQUIRES: has_row_bytes(*array.type()).
std::unique_ptr<RowBytes> make_row_bytes(const arrow::Array& array);

}  // namespace onefold
