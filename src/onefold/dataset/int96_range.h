// SPDX-License-Identifier: Apache-2.0
// Int96Range: whether a file's INT96 timestamps, as Spark writes them, fit 64-bit nanoseconds.
// Arrow reads years before 1677 or after 2262 as others, without a word.
#pragma once

#include <memory>
#include <vector>

#include "onefold/table/arrow_file.h"

namespace onefold {

class Int96Range {
 public:
  // Costs nothing for a file without INT96 columns.
  static Result<Int96Range> open(const ArrowFile& file);

  // `rows` is the row group, read with nanoseconds. kUnsupported names the column that does not
  // fit.
  Status check(int row_group, const arrow::Table& rows);

 private:
  std::unique_ptr<ArrowFile> micros_;  // the same file, its INT96 read as microseconds
  std::vector<int> leaves_;
};

}  // namespace onefold
