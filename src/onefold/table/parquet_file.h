// SPDX-License-Identifier: Apache-2.0
// ParquetFile: one Parquet file of a table, its footer read once; row groups are read from any
// number of threads, each through a file handle of its own, so that a table of thousands of parts
// holds no file open.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "onefold/base/status.h"
#include "onefold/table/table_columns.h"

namespace parquet {
class FileMetaData;
class ParquetFileReader;
}  // namespace parquet

namespace onefold {

class ParquetFile {
 public:
  static Result<std::unique_ptr<ParquetFile>> open(const std::string& path);

  const std::string& path() const { return path_; }
  const std::shared_ptr<parquet::FileMetaData>& metadata() const { return metadata_; }
  std::vector<int64_t> row_group_rows() const;
  int num_columns() const;  // a list or struct is one

  // Index of the leaf of `column`. kSchema when the file has no such column, or one of another
  // type. Nullable columns are accepted wherever a list or number can say "missing".
  Result<int> find(const TableColumn& column) const;

  // A reader of this file that is the caller's alone. Throws parquet::ParquetException.
  std::unique_ptr<parquet::ParquetFileReader> reader() const;

 private:
  ParquetFile(std::string path, std::shared_ptr<parquet::FileMetaData> metadata)
      : path_(std::move(path)), metadata_(std::move(metadata)) {}

  std::string path_;
  std::shared_ptr<parquet::FileMetaData> metadata_;
};

}  // namespace onefold
