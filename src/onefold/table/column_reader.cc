// SPDX-License-Identifier: Apache-2.0
#include "onefold/table/column_reader.h"

#include <limits>
#include <numeric>

#include <parquet/column_reader.h>
#include <parquet/exception.h>

#include "onefold/table/list_reader.h"
#include "onefold/table/parquet_errors.h"

namespace onefold {
namespace {

using parquet::ParquetException;

template <typename T>
struct FlatColumn {
  std::vector<T> values;            // without the nulls
  std::vector<int16_t> definition;  // [num_rows], 0 is null; empty for a required column
};

template <typename ParquetType, typename T>
FlatColumn<T> read_flat(parquet::RowGroupReader& row_group, int leaf, int64_t num_rows) {
  auto reader =
      std::static_pointer_cast<parquet::TypedColumnReader<ParquetType>>(row_group.Column(leaf));
  FlatColumn<T> flat;
  flat.values.resize(num_rows);
  if (reader->descr()->max_definition_level() > 0) flat.definition.resize(num_rows);
  int64_t rows = 0, values = 0;
  while (rows < num_rows && reader->HasNext()) {
    int16_t* levels = flat.definition.empty() ? nullptr : flat.definition.data() + rows;
    int64_t values_read = 0;
    const int64_t rows_read = reader->ReadBatch(num_rows - rows, levels, nullptr,
                                                flat.values.data() + values, &values_read);
    if (rows_read == 0) break;
    rows += rows_read;
    values += values_read;
  }
  if (rows != num_rows || reader->HasNext()) {
    throw ParquetException("the column does not have the ", num_rows, " rows of its row group");
  }
  if (flat.definition.empty() && values != rows) throw ParquetException("the column lacks values");
  flat.values.resize(values);
  return flat;
}

JaggedTensor<int64_t> to_jagged(FlatColumn<int64_t> flat, int64_t num_rows) {
  std::vector<int32_t> offsets(num_rows + 1);
  if (flat.definition.empty()) {
    std::iota(offsets.begin(), offsets.end(), 0);
  } else {
    for (int64_t row = 0; row < num_rows; ++row)
      offsets[row + 1] = offsets[row] + flat.definition[row];
  }
  return JaggedTensor<int64_t>::make(std::move(flat.values), std::move(offsets)).value();
}

}  // namespace

Result<RowGroupColumns> RowGroupColumns::open(const ParquetFile& file, int row_group) {
  return catch_parquet(file.path(), [&]() -> Result<RowGroupColumns> {
    RowGroupColumns columns;
    columns.file_ = &file;
    columns.reader_ = file.reader();
    columns.row_group_ = columns.reader_->RowGroup(row_group);
    columns.num_rows_ = columns.row_group_->metadata()->num_rows();
    return columns;
  });
}

template <typename Body>
auto RowGroupColumns::with_context(const BoundColumn& column, Body&& body) -> decltype(body()) {
  const std::string where = file_->path() + ": column '" + column.column.name + "'";
  return catch_parquet(where, [&]() {
    bytes_read_ += row_group_->metadata()->ColumnChunk(column.leaf)->total_compressed_size();
    return body();
  });
}

Result<std::vector<int64_t>> RowGroupColumns::read_int64(const BoundColumn& column) {
  return with_context(column, [&]() -> Result<std::vector<int64_t>> {
    auto flat = read_flat<parquet::Int64Type, int64_t>(*row_group_, column.leaf, num_rows_);
    if (static_cast<int64_t>(flat.values.size()) != num_rows_) {
      throw ParquetException("holds nulls, but every sample has one");
    }
    return std::move(flat.values);
  });
}

Result<std::vector<float>> RowGroupColumns::read_float(const BoundColumn& column) {
  return with_context(column, [&]() -> Result<std::vector<float>> {
    auto flat = read_flat<parquet::FloatType, float>(*row_group_, column.leaf, num_rows_);
    if (flat.definition.empty()) return std::move(flat.values);
    std::vector<float> spaced(num_rows_, std::numeric_limits<float>::quiet_NaN());
    size_t next = 0;
    for (int64_t row = 0; row < num_rows_; ++row) {
      if (flat.definition[row] > 0) spaced[row] = flat.values[next++];
    }
    return spaced;
  });
}

Result<JaggedColumn> RowGroupColumns::read_jagged(const BoundColumn& column) {
  return with_context(column, [&]() -> Result<JaggedColumn> {
    switch (column.column.type) {
      case ColumnType::kId:
        return JaggedColumn(
            to_jagged(read_flat<parquet::Int64Type, int64_t>(*row_group_, column.leaf, num_rows_),
                      num_rows_));
      case ColumnType::kIdList:
        return JaggedColumn(read_lists<int64_t>(*row_group_, column.leaf, num_rows_));
      default:
        return JaggedColumn(read_lists<float>(*row_group_, column.leaf, num_rows_));
    }
  });
}

}  // namespace onefold
