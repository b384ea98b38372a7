// SPDX-License-Identifier: Apache-2.0
// The encoding of every leaf column of a file of any types: the smallest, measured on its first
// rows, as column_encoding.h does for the columns that training knows.
#pragma once

#include <memory>
#include <vector>

#include <arrow/type_fwd.h>

#include "onefold/table/column_encoding.h"

namespace parquet {
class ArrowWriterProperties;
class WriterProperties;
}  // namespace parquet

namespace onefold {

using LeafEncodings = std::vector<ColumnEncoding>;  // [leaf columns]; empty: dictionaries

// zstd, page checksums and these encodings for a file with the columns of `schema`. Throws
// parquet::ParquetException, also when `encodings` is of another number of leaves.
std::shared_ptr<parquet::WriterProperties> leaf_writer_properties(
    const arrow::Schema& schema, const LeafEncodings& encodings,
    const parquet::ArrowWriterProperties& arrow_properties, int zstd_level);

// Writes the first 16,384 rows of `table` in memory once per encoding. Throws
// parquet::ParquetException.
LeafEncodings smallest_leaf_encodings(
    const arrow::Table& table,
    const std::shared_ptr<parquet::ArrowWriterProperties>& arrow_properties, int zstd_level);

}  // namespace onefold
