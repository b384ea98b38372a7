// SPDX-License-Identifier: Apache-2.0
#include "onefold/inspect/stored_columns.h"

#include <algorithm>
#include <map>
#include <utility>

#include <parquet/file_reader.h>
#include <parquet/metadata.h>
#include <parquet/schema.h>

#include "onefold/table/parquet_errors.h"

namespace onefold {
namespace {

using Columns = std::map<std::pair<std::string, std::string>, StoredColumn>;  // (kind, name)

Status add_file(const StoredFile& file, Columns& columns) {
  return catch_parquet(file.path, [&]() -> Status {
    const auto reader = parquet::ParquetFileReader::OpenFile(file.path, /*memory_map=*/false);
    const auto metadata = reader->metadata();
    for (int r = 0; r < metadata->num_row_groups(); ++r) {
      const auto row_group = metadata->RowGroup(r);
      if (row_group->num_columns() != metadata->num_columns()) {
        return data_loss(file.path + ": row group " + std::to_string(r) + " has " +
                         std::to_string(row_group->num_columns()) + " columns, its schema has " +
                         std::to_string(metadata->num_columns()));
      }
      for (int c = 0; c < row_group->num_columns(); ++c) {
        const auto chunk = row_group->ColumnChunk(c);
        const std::string name = metadata->schema()->GetColumnRoot(c)->name();
        StoredColumn& column = columns[{file.kind, name}];
        column.file = file.kind;
        column.name = name;
        column.bytes += chunk->total_compressed_size();
        column.uncompressed_bytes += chunk->total_uncompressed_size();
      }
    }
    return {};
  });
}

}  // namespace

Result<std::vector<StoredColumn>> stored_columns(const std::vector<StoredFile>& files) {
  Columns columns;
  for (const StoredFile& file : files) ONEFOLD_RETURN_IF_ERROR(add_file(file, columns));
  std::vector<StoredColumn> sorted;
  for (auto& [key, column] : columns) sorted.push_back(std::move(column));
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const StoredColumn& a, const StoredColumn& b) { return a.bytes > b.bytes; });
  return sorted;
}

}  // namespace onefold
