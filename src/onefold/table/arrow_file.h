// SPDX-License-Identifier: Apache-2.0
// Parquet files as Arrow tables, whatever the types of their columns. The training path reads
// through PartReader, which is faster and knows its types; this is for foreign columns (dataset/)
// and for verification.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <arrow/io/type_fwd.h>
#include <arrow/type_fwd.h>

#include "onefold/base/status.h"
#include "onefold/table/leaf_encoding.h"
#include "onefold/table/manifest.h"

namespace parquet {
class FileMetaData;
}
namespace parquet::arrow {
class FileReader;
class FileWriter;
}  // namespace parquet::arrow

namespace onefold {

// One file, open for reading. Page checksums are verified. Not thread safe.
class ArrowFile {
 public:
  // `int96_unit`: of timestamps in Parquet's deprecated INT96. kNotFound, kDataLoss.
  static Result<std::unique_ptr<ArrowFile>> open(
      const std::string& path, arrow::TimeUnit::type int96_unit = arrow::TimeUnit::NANO);
  ~ArrowFile();

  const std::string& path() const { return path_; }
  // With the file's key-value metadata as schema metadata.
  const std::shared_ptr<arrow::Schema>& schema() const { return schema_; }
  const parquet::FileMetaData& metadata() const { return *metadata_; }
  int num_row_groups() const;
  std::vector<int64_t> row_group_rows() const;

  // All columns of a row group, or those of the leaf columns named. kDataLoss names the file.
  Result<std::shared_ptr<arrow::Table>> read(int row_group);
  Result<std::shared_ptr<arrow::Table>> read(int row_group, const std::vector<int>& leaves);

 private:
  explicit ArrowFile(std::string path);

  std::string path_;
  std::unique_ptr<parquet::arrow::FileReader> reader_;
  std::shared_ptr<parquet::FileMetaData> metadata_;
  std::shared_ptr<arrow::Schema> schema_;
};

struct ArrowFileOptions {
  int zstd_level = 3;
  bool int96_timestamps = false;   // nanosecond timestamps as INT96
  bool time_adjusted_utc = false;  // what TIME columns say of themselves
  LeafEncodings encodings;         // empty: dictionaries everywhere
};

// The smallest encodings for files with the columns of `rows` (leaf_encoding.h).
Result<LeafEncodings> measure_encodings(const arrow::Table& rows, const ArrowFileOptions& options);

// One file, written under a temporary name: zstd pages with checksums. Not thread safe.
class ArrowFileWriter {
 public:
  // Schema metadata becomes the file's key-value metadata.
  static Result<std::unique_ptr<ArrowFileWriter>> create(const std::string& path,
                                                         const arrow::Schema& schema,
                                                         const ArrowFileOptions& options);
  ~ArrowFileWriter();  // without close(): an unfinished "<path>.tmp" may stay

  // One row group; its columns may come in chunks, it may be empty.
  Status write_row_group(const arrow::Table& table);
  // Writes the footer, fsyncs, renames to its final name.
  Result<TableFile> close();

 private:
  explicit ArrowFileWriter(std::string path);

  std::string path_;
  std::shared_ptr<arrow::io::OutputStream> sink_;
  std::unique_ptr<parquet::arrow::FileWriter> writer_;
  std::vector<int64_t> row_group_rows_;
};

// Whether every column comes back as the same Parquet type when a file with the columns of `file`
// is written with `options`; kUnsupported names the one that does not.
Status check_types_survive(const ArrowFile& file, const ArrowFileOptions& options);

}  // namespace onefold
