// SPDX-License-Identifier: Apache-2.0
// ParquetWriter: one Parquet file of a table, written under a temporary name.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "onefold/table/column_arrays.h"
#include "onefold/table/manifest.h"
#include "onefold/table/table_columns.h"

namespace onefold {

class ParquetWriter {
 public:
  static Result<std::unique_ptr<ParquetWriter>> create(const std::string& path,
                                                       const std::vector<TableColumn>& columns,
                                                       int zstd_level);
  virtual ~ParquetWriter() = default;  // without close(): an unfinished "<path>.tmp" stays

  // REQUIRES: one array per column, in order, all of `num_rows` rows; num_rows > 0.
  virtual Status write_row_group(int64_t num_rows, const ArrowArrays& arrays) = 0;

  // Writes the footer, fsyncs, renames to its final name. The result's path is the one given to
  // create().
  virtual Result<TableFile> close() = 0;
};

}  // namespace onefold
