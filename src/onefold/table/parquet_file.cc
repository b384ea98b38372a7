// SPDX-License-Identifier: Apache-2.0
#include "onefold/table/parquet_file.h"

#include <fmt/format.h>
#include <parquet/file_reader.h>
#include <parquet/metadata.h>
#include <parquet/properties.h>

#include "onefold/table/parquet_errors.h"

namespace onefold {
namespace {

std::unique_ptr<parquet::ParquetFileReader> open_reader(
    const std::string& path, std::shared_ptr<parquet::FileMetaData> metadata) {
  parquet::ReaderProperties properties = parquet::default_reader_properties();
  properties.set_page_checksum_verification(true);
  return parquet::ParquetFileReader::OpenFile(path, /*memory_map=*/false, properties,
                                              std::move(metadata));
}

const char* describe(ColumnType type) {
  switch (type) {
    case ColumnType::kInt64:
      return "int64";
    case ColumnType::kTime:
      return "timestamp in microseconds";
    case ColumnType::kFloat:
      return "float32";
    case ColumnType::kId:
      return "int64, nullable";
    case ColumnType::kIdList:
      return "list of int64";
    case ColumnType::kFloatList:
      return "list of float32";
  }
  return "?";
}

std::string describe(const parquet::ColumnDescriptor& leaf) {
  std::string text = parquet::TypeToString(leaf.physical_type());
  if (leaf.logical_type() && !leaf.logical_type()->is_none()) {
    text += " (" + leaf.logical_type()->ToString() + ")";
  }
  return leaf.max_repetition_level() == 0 ? text : "repeated " + text;
}

bool holds_integers(const parquet::ColumnDescriptor& leaf) {
  if (leaf.physical_type() != parquet::Type::INT64) return false;
  const auto& logical = leaf.logical_type();
  if (!logical || logical->is_none()) return true;
  return logical->is_int() && static_cast<const parquet::IntLogicalType&>(*logical).is_signed();
}

bool holds_microseconds(const parquet::ColumnDescriptor& leaf) {
  const auto& logical = leaf.logical_type();
  return leaf.physical_type() == parquet::Type::INT64 && logical && logical->is_timestamp() &&
         static_cast<const parquet::TimestampLogicalType&>(*logical).time_unit() ==
             parquet::LogicalType::TimeUnit::MICROS;
}

bool fits(const parquet::ColumnDescriptor& leaf, ColumnType type) {
  const bool is_list = leaf.max_repetition_level() == 1;
  const bool is_flat = leaf.max_repetition_level() == 0 && leaf.max_definition_level() <= 1;
  const bool is_float = leaf.physical_type() == parquet::Type::FLOAT;
  switch (type) {
    case ColumnType::kInt64:
    case ColumnType::kId:
      return is_flat && holds_integers(leaf);
    case ColumnType::kTime:
      return is_flat && holds_microseconds(leaf);
    case ColumnType::kFloat:
      return is_flat && is_float;
    case ColumnType::kIdList:
      return is_list && holds_integers(leaf);
    case ColumnType::kFloatList:
      return is_list && is_float;
  }
  return false;
}

}  // namespace

Result<std::unique_ptr<ParquetFile>> ParquetFile::open(const std::string& path) {
  return catch_parquet(path, [&]() -> Result<std::unique_ptr<ParquetFile>> {
    auto metadata = open_reader(path, nullptr)->metadata();
    return std::unique_ptr<ParquetFile>(new ParquetFile(path, std::move(metadata)));
  });
}

std::unique_ptr<parquet::ParquetFileReader> ParquetFile::reader() const {
  return open_reader(path_, metadata_);
}

std::vector<int64_t> ParquetFile::row_group_rows() const {
  std::vector<int64_t> rows;
  for (int i = 0; i < metadata_->num_row_groups(); ++i) {
    rows.push_back(metadata_->RowGroup(i)->num_rows());
  }
  return rows;
}

int ParquetFile::num_columns() const { return metadata_->schema()->group_node()->field_count(); }

Result<int> ParquetFile::find(const TableColumn& column) const {
  const parquet::SchemaDescriptor& schema = *metadata_->schema();
  for (int i = 0; i < schema.num_columns(); ++i) {
    // The root's field name, not the dotted path: a struct "history" with a field "ref" is not the
    // column "history.ref".
    if (schema.GetColumnRoot(i)->name() != column.name) continue;
    if (fits(*schema.Column(i), column.type)) return i;
    return schema_error(fmt::format("{}: column '{}' is {}, expected {}", path_, column.name,
                                    describe(*schema.Column(i)), describe(column.type)));
  }
  return schema_error(fmt::format("{}: no column '{}', expected {}; the file is not of this table",
                                  path_, column.name, describe(column.type)));
}

}  // namespace onefold
