// SPDX-License-Identifier: Apache-2.0
// Which Parquet encoding a column gets: the one that is smallest on the table's own data.
//
// No rule from types holds: article ids are 19 % smaller with a dictionary, while reading times,
// int64 lists as well, are 48 % smaller plain, because zstd finds bytes that neighbours share and
// dictionary indices hide (histories of three days of EB-NeRD, folded, zstd 3). So the first row
// group is encoded every way and measured.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "onefold/table/column_arrays.h"

namespace arrow::internal {
class Executor;
}
namespace parquet {
class WriterProperties;
}

namespace onefold {

enum class ColumnEncoding {
  kPlain,            // values as they are; reading is a copy
  kDictionary,       // indices into distinct values
  kDelta,            // int64 only: DELTA_BINARY_PACKED
  kByteStreamSplit,  // float only
};

// Writer properties of a file: zstd, page checksums and these encodings, one per column.
std::shared_ptr<parquet::WriterProperties> writer_properties(
    const std::vector<TableColumn>& columns, const std::vector<ColumnEncoding>& encodings,
    int zstd_level);

// Remembers the choice for each kind of file of a table ("samples", the name of a group), so that
// measuring happens once and not in every part. Not thread safe.
class EncodingChooser {
 public:
  // Columns are measured, and by ParquetWriter written, in the threads of `executor` (borrowed; may
  // be null). Then the caller must not be one of them.
  explicit EncodingChooser(int zstd_level, arrow::internal::Executor* executor = nullptr)
      : zstd_level_(zstd_level), executor_(executor) {}

  // The encodings for files of `kind`. Measured on `arrays` when there is no choice yet, or when
  // the last one was made from few values and these are more. Throws parquet::ParquetException.
  const std::vector<ColumnEncoding>& choose(const std::string& kind,
                                            const std::vector<TableColumn>& columns,
                                            const ArrowArrays& arrays);

  int zstd_level() const { return zstd_level_; }
  arrow::internal::Executor* executor() const { return executor_; }

 private:
  struct Choice {
    std::vector<ColumnEncoding> encodings;
    int64_t num_values = 0;  // measured on
  };

  int zstd_level_;
  arrow::internal::Executor* executor_;
  std::map<std::string, Choice> choices_;
};

}  // namespace onefold
