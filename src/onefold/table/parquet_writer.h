// SPDX-License-Identifier: Apache-2.0
// ParquetWriter: one Parquet file of a table, written under a temporary name.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "onefold/table/column_arrays.h"
#include "onefold/table/column_encoding.h"
#include "onefold/table/manifest.h"
#include "onefold/table/table_columns.h"

namespace arrow::io {
class OutputStream;
}
namespace parquet::arrow {
class FileWriter;
}

namespace onefold {

class ParquetWriter {
 public:
  // One of the files of `kind` in a table: they share the encodings that `chooser` (borrowed)
  // finds best. The file appears with the first row group.
  ParquetWriter(std::string path, std::string kind, std::vector<TableColumn> columns,
                EncodingChooser* chooser);
  // A file on its own.
  static Result<std::unique_ptr<ParquetWriter>> create(const std::string& path,
                                                       const std::vector<TableColumn>& columns,
                                                       int zstd_level);
  ~ParquetWriter();  // without close(): an unfinished "<path>.tmp" may stay

  // REQUIRES: one array per column, in order, all of `num_rows` rows; num_rows > 0.
  Status write_row_group(int64_t num_rows, const ArrowArrays& arrays);

  // The two steps of it. begin() creates the file, if it is the first row group. Then encode() may
  // run in a thread of the chooser's executor, beside those of other files, unless
  // uses_executor(): then it hands columns to these threads itself, and waits for them.
  Status begin(const ArrowArrays& arrays);
  Status encode(int64_t num_rows, const ArrowArrays& arrays);
  bool uses_executor() const;

  // Writes the footer, fsyncs, renames to its final name. The result's path is the one given
  // first. REQUIRES: a row group was written.
  Result<TableFile> close();

 private:
  Status create_file(const ArrowArrays& arrays);

  std::string path_, kind_;
  std::vector<TableColumn> columns_;
  std::unique_ptr<EncodingChooser> own_chooser_;  // of a file on its own
  EncodingChooser* chooser_;
  std::shared_ptr<arrow::io::OutputStream> sink_;
  std::unique_ptr<parquet::arrow::FileWriter> writer_;
  std::vector<int64_t> row_group_rows_;
};

}  // namespace onefold
