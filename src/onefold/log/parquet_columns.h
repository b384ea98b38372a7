// SPDX-License-Identifier: Apache-2.0
// ParquetColumns: reads single columns of a foreign Parquet file into flat vectors, whatever
// integer width or list flavour its writer chose.
//
// Only the columns asked for are read. Integer columns may have any width and sign, or be bool;
// float columns any of float, double, integer; lists may be list or large_list. Every error names
// file, column, what was expected and what is there.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <arrow/type_fwd.h>

#include "onefold/base/status.h"
#include "onefold/jagged/jagged_tensor.h"

namespace parquet::arrow {
class FileReader;
}

namespace onefold {

class ParquetColumns {
 public:
  // kNotFound when there is no such file; kDataLoss when it is not a whole Parquet file.
  static Result<ParquetColumns> open(const std::string& path);
  ParquetColumns(ParquetColumns&&) noexcept;
  ~ParquetColumns();

  int64_t num_rows() const { return num_rows_; }

  // Each: kSchema when the column is absent or has another type; kDataLoss when its bytes are
  // damaged or an id list holds a null.
  Result<JaggedTensor<int64_t>> ids(const std::string& column);       // null: a row of length 0
  Result<JaggedTensor<int64_t>> times_us(const std::string& column);  // null likewise
  Result<std::vector<float>> floats(const std::string& column);       // null: NaN
  Result<JaggedTensor<int64_t>> id_lists(const std::string& column);  // null: empty list
  Result<JaggedTensor<int64_t>> time_lists_seconds(const std::string& column);  // rounded down
  Result<JaggedTensor<float>> float_lists(const std::string& column);           // null element: NaN

 private:
  ParquetColumns() = default;
  Result<std::vector<std::shared_ptr<arrow::Array>>> read(const std::string& column);
  Status wrong_type(const std::string& column, const std::string& expected) const;
  template <typename T, typename Append>
  Result<JaggedTensor<T>> lists(const std::string& column, const std::string& expected,
                                const Append& append);

  std::string path_;
  int64_t num_rows_ = 0;
  std::shared_ptr<arrow::Schema> schema_;
  std::unique_ptr<parquet::arrow::FileReader> reader_;
};

}  // namespace onefold
