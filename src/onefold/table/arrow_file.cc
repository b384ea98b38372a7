// SPDX-License-Identifier: Apache-2.0
#include "onefold/table/arrow_file.h"

#include <numeric>

#include <arrow/io/file.h>
#include <arrow/table.h>
#include <fmt/format.h>
#include <parquet/arrow/reader.h>
#include <parquet/arrow/schema.h>
#include <parquet/arrow/writer.h>
#include <parquet/file_reader.h>
#include <parquet/metadata.h>
#include <parquet/properties.h>

#include "onefold/base/files.h"
#include "onefold/table/parquet_errors.h"
#include "onefold/table/table_file.h"

namespace onefold {
namespace {

std::shared_ptr<parquet::ArrowWriterProperties> arrow_properties(const ArrowFileOptions& options) {
  parquet::ArrowWriterProperties::Builder builder;
  builder.store_schema();  // so that types that Parquet does not know come back
  if (options.int96_timestamps) builder.enable_deprecated_int96_timestamps();
  builder.set_time_adjusted_to_utc(options.time_adjusted_utc);
  return builder.build();
}

bool has_no_logical_type(const parquet::ColumnDescriptor& column) {
  return column.logical_type()->is_none() || !column.logical_type()->is_valid();
}

// Some writers annotate plain signed integers, others do not: the same type.
bool is_plain_integer(const parquet::ColumnDescriptor& column) {
  const auto& type = *column.logical_type();
  if (has_no_logical_type(column)) {
    return column.physical_type() == parquet::Type::INT32 ||
           column.physical_type() == parquet::Type::INT64;
  }
  if (!type.is_int()) return false;
  const auto& integer = static_cast<const parquet::IntLogicalType&>(type);
  return integer.is_signed() && integer.bit_width() >= 32;
}

bool same_type(const parquet::ColumnDescriptor& a, const parquet::ColumnDescriptor& b) {
  const bool same_physical = a.physical_type() == b.physical_type();
  if (is_plain_integer(a) && is_plain_integer(b)) return same_physical;
  if (has_no_logical_type(a) != has_no_logical_type(b)) return false;
  if (!has_no_logical_type(a)) return a.logical_type()->Equals(*b.logical_type());
  return same_physical && (a.physical_type() != parquet::Type::FIXED_LEN_BYTE_ARRAY ||
                           a.type_length() == b.type_length());
}

}  // namespace

ArrowFile::ArrowFile(std::string path) : path_(std::move(path)) {}
ArrowFile::~ArrowFile() = default;

Result<std::unique_ptr<ArrowFile>> ArrowFile::open(const std::string& path,
                                                   arrow::TimeUnit::type int96_unit) {
  if (!path_exists(path)) return not_found(path + ": no such file");
  return catch_parquet(path, [&]() -> Result<std::unique_ptr<ArrowFile>> {
    std::unique_ptr<ArrowFile> file(new ArrowFile(path));
    parquet::ReaderProperties properties;
    properties.set_page_checksum_verification(true);
    parquet::ArrowReaderProperties arrow_reader(/*use_threads=*/true);
    arrow_reader.set_coerce_int96_timestamp_unit(int96_unit);
    arrow_reader.set_arrow_extensions_enabled(true);  // UUID and JSON stay what they are
    auto reader = parquet::ParquetFileReader::OpenFile(path, /*memory_map=*/false, properties);
    file->metadata_ = reader->metadata();
    ONEFOLD_ASSIGN_OR_RETURN_ARROW(
        file->reader_,
        parquet::arrow::FileReader::Make(arrow::default_memory_pool(), std::move(reader),
                                         arrow_reader),
        path);
    ONEFOLD_RETURN_IF_ARROW_ERROR(file->reader_->GetSchema(&file->schema_), path);
    return file;
  });
}

int ArrowFile::num_row_groups() const { return metadata_->num_row_groups(); }

std::vector<int64_t> ArrowFile::row_group_rows() const {
  std::vector<int64_t> rows;
  for (int i = 0; i < num_row_groups(); ++i) rows.push_back(metadata_->RowGroup(i)->num_rows());
  return rows;
}

Result<std::shared_ptr<arrow::Table>> ArrowFile::read(int row_group) {
  std::vector<int> leaves(metadata_->num_columns());
  std::iota(leaves.begin(), leaves.end(), 0);
  return read(row_group, leaves);
}

Result<std::shared_ptr<arrow::Table>> ArrowFile::read(int row_group,
                                                      const std::vector<int>& leaves) {
  const std::string context = fmt::format("{}: row group {}", path_, row_group);
  return catch_parquet(context, [&]() -> Result<std::shared_ptr<arrow::Table>> {
    std::shared_ptr<arrow::Table> table;
    ONEFOLD_ASSIGN_OR_RETURN_ARROW(table, reader_->ReadRowGroup(row_group, leaves), context);
    // Rows are hashed through their offsets and indices, which must be in range.
    ONEFOLD_RETURN_IF_ARROW_ERROR(table->Validate(), context);
    const int64_t num_rows = metadata_->RowGroup(row_group)->num_rows();
    if (table->num_rows() != num_rows) {
      return data_loss(
          fmt::format("{} has {} rows, its footer says {}", context, table->num_rows(), num_rows));
    }
    return table;
  });
}

ArrowFileWriter::ArrowFileWriter(std::string path) : path_(std::move(path)) {}
ArrowFileWriter::~ArrowFileWriter() = default;

Result<std::unique_ptr<ArrowFileWriter>> ArrowFileWriter::create(const std::string& path,
                                                                 const arrow::Schema& schema,
                                                                 const ArrowFileOptions& options) {
  return catch_parquet(path, [&]() -> Result<std::unique_ptr<ArrowFileWriter>> {
    std::unique_ptr<ArrowFileWriter> file(new ArrowFileWriter(path));
    ONEFOLD_ASSIGN_OR_RETURN_ARROW(file->sink_, arrow::io::FileOutputStream::Open(path + ".tmp"),
                                   path);
    ONEFOLD_ASSIGN_OR_RETURN_ARROW(
        file->writer_,
        parquet::arrow::FileWriter::Open(
            schema, arrow::default_memory_pool(), file->sink_,
            leaf_writer_properties(schema, options.encodings, *arrow_properties(options),
                                   options.zstd_level),
            arrow_properties(options)),
        path);
    return file;
  });
}

Status ArrowFileWriter::write_row_group(const arrow::Table& table) {
  return catch_parquet(path_, [&]() -> Status {
    ONEFOLD_RETURN_IF_ARROW_ERROR(writer_->NewRowGroup(), path_);
    for (const auto& column : table.columns()) {
      ONEFOLD_RETURN_IF_ARROW_ERROR(writer_->WriteColumnChunk(column), path_);
    }
    row_group_rows_.push_back(table.num_rows());
    return {};
  });
}

Result<TableFile> ArrowFileWriter::close() {
  return catch_parquet(path_, [&]() -> Result<TableFile> {
    ONEFOLD_RETURN_IF_ARROW_ERROR(writer_->Close(), path_);
    ONEFOLD_RETURN_IF_ARROW_ERROR(sink_->Close(), path_);
    return publish_table_file(path_, row_group_rows_);
  });
}

Result<LeafEncodings> measure_encodings(const arrow::Table& rows, const ArrowFileOptions& options) {
  return catch_parquet("measuring encodings", [&]() -> Result<LeafEncodings> {
    return smallest_leaf_encodings(rows, arrow_properties(options), options.zstd_level);
  });
}

Status check_types_survive(const ArrowFile& file, const ArrowFileOptions& options) {
  const std::string& path = file.path();
  return catch_parquet(path, [&]() -> Status {
    std::shared_ptr<parquet::SchemaDescriptor> written;
    ONEFOLD_RETURN_IF_ARROW_ERROR(
        parquet::arrow::ToParquetSchema(file.schema().get(), *parquet::default_writer_properties(),
                                        *arrow_properties(options), &written),
        path);
    const parquet::SchemaDescriptor& source = *file.metadata().schema();
    for (int i = 0; i < source.num_columns(); ++i) {
      const parquet::ColumnDescriptor& column = *source.Column(i);
      if (i < written->num_columns() && same_type(column, *written->Column(i))) continue;
      return unsupported(fmt::format(
          "{}: column '{}' has Parquet type {} {}, which would not come back as it is; leave the "
          "column out or convert it",
          path, column.path()->ToDotString(), parquet::TypeToString(column.physical_type()),
          column.logical_type()->ToString()));
    }
    return {};
  });
}

}  // namespace onefold
