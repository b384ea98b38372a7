// SPDX-License-Identifier: Apache-2.0
// RecordStream: chosen columns of a Parquet or CSV file, batch by batch.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "onefold/base/status.h"

namespace arrow {
class RecordBatch;
class Schema;
}  // namespace arrow

namespace onefold {

// A row that is no record: it has too few or too many cells.
struct BadRow {
  int64_t number = 0;  // see RecordStream::row_number()
  std::string detail, text;
};

class RecordStream {
 public:
  using OnBadRow = std::function<void(const BadRow&)>;

  // Parquet by the name *.parquet, else CSV (with a header line), of which .zst, .gz, .bz2 and
  // .lz4 are decompressed. `delimiter` 0: tab for *.tsv*, else a comma. CSV columns come as text;
  // rows with the wrong number of cells are left out, counted and given to `on_bad_row`, during
  // next().
  // kSchema when a column of `columns` is absent; names it.
  static Result<std::unique_ptr<RecordStream>> open(const std::string& path,
                                                    const std::vector<std::string>& columns,
                                                    char delimiter, OnBadRow on_bad_row = {});
  virtual ~RecordStream() = default;

  virtual std::shared_ptr<arrow::Schema> schema() const = 0;
  // nullptr at the end.
  virtual Result<std::shared_ptr<arrow::RecordBatch>> next() = 0;
  virtual int64_t malformed_rows() const = 0;  // so far
  // Where row `row` of the last batch is in the file, from 1: of a CSV file without its header and
  // empty lines, malformed rows included.
  virtual int64_t row_number(int64_t row) const = 0;
  virtual double fraction_read() const = 0;  // of the file so far, 0 to 1
};

// Names and types of all columns of a file that open() can read.
Result<std::shared_ptr<arrow::Schema>> record_schema(const std::string& path, char delimiter);

// Is it a name that open() makes sense of? *.parquet, *.csv and *.tsv, the latter two with or
// without .zst, .gz, .bz2, .lz4.
bool is_record_file(const std::string& path);

}  // namespace onefold
