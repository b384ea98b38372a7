// SPDX-License-Identifier: Apache-2.0
// RowGroupColumns: reads columns of one row group of one file into our vectors.
#pragma once

#include <memory>
#include <vector>

#include <parquet/file_reader.h>

#include "onefold/jagged/keyed_jagged_tensor.h"
#include "onefold/table/parquet_file.h"

namespace onefold {

// A column that was looked up and type checked in its file.
struct BoundColumn {
  TableColumn column;
  int leaf = 0;
};

// Not thread safe; one per call. Errors name the file and the column.
class RowGroupColumns {
 public:
  static Result<RowGroupColumns> open(const ParquetFile& file, int row_group);

  int64_t num_rows() const { return num_rows_; }
  int64_t bytes_read() const { return bytes_read_; }  // column chunks, as stored

  // kInt64, kTime. A null is kDataLoss: keys and refs are never missing.
  Result<std::vector<int64_t>> read_int64(const BoundColumn& column);
  // kFloat. A null reads as NaN.
  Result<std::vector<float>> read_float(const BoundColumn& column);
  // kId, kIdList, kFloatList.
  Result<JaggedColumn> read_jagged(const BoundColumn& column);

 private:
  RowGroupColumns() = default;
  template <typename Body>
  auto with_context(const BoundColumn& column, Body&& body) -> decltype(body());

  const ParquetFile* file_ = nullptr;
  std::unique_ptr<parquet::ParquetFileReader> reader_;
  std::shared_ptr<parquet::RowGroupReader> row_group_;
  int64_t num_rows_ = 0;
  int64_t bytes_read_ = 0;
};

}  // namespace onefold
