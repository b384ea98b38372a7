// SPDX-License-Identifier: Apache-2.0
#include "onefold/table/parquet_writer.h"

#include <arrow/array.h>
#include <arrow/io/file.h>
#include <arrow/type.h>
#include <parquet/arrow/writer.h>
#include <parquet/properties.h>

#include "onefold/base/files.h"
#include "onefold/base/hash.h"
#include "onefold/table/parquet_errors.h"

namespace onefold {
namespace {

std::shared_ptr<parquet::WriterProperties> writer_properties(
    const std::vector<TableColumn>& columns, int zstd_level) {
  parquet::WriterProperties::Builder builder;
  builder.compression(parquet::Compression::ZSTD)->compression_level(zstd_level);
  // zstd frames carry no checksum: without this a flipped bit could decode to other ids.
  builder.enable_page_checksum();
  builder.created_by("onefold");
  for (const TableColumn& column : columns) {
    // Refs and times rise by small steps.
    if (column.name == kRefColumn || column.name.ends_with(std::string(".") + kRefColumn) ||
        column.type == ColumnType::kTime) {
      builder.disable_dictionary(column.name);
      builder.encoding(column.name, parquet::Encoding::DELTA_BINARY_PACKED);
    }
  }
  return builder.build();
}

class ParquetWriterImpl final : public ParquetWriter {
 public:
  ParquetWriterImpl(std::string path, std::unique_ptr<parquet::arrow::FileWriter> writer,
                    std::shared_ptr<arrow::io::OutputStream> sink)
      : path_(std::move(path)), writer_(std::move(writer)), sink_(std::move(sink)) {}

  Status write_row_group(int64_t num_rows, const ArrowArrays& arrays) override {
    return catch_parquet(path_, [&]() -> Status {
      ONEFOLD_RETURN_IF_ARROW_ERROR(writer_->NewRowGroup(), path_);
      for (const auto& array : arrays) {
        ONEFOLD_CHECK(array->length() == num_rows, "columns of a row group differ in length");
        ONEFOLD_RETURN_IF_ARROW_ERROR(writer_->WriteColumnChunk(*array), path_);
      }
      row_group_rows_.push_back(num_rows);
      return {};
    });
  }

  Result<TableFile> close() override {
    return catch_parquet(path_, [&]() -> Result<TableFile> {
      ONEFOLD_RETURN_IF_ARROW_ERROR(writer_->Close(), path_);
      ONEFOLD_RETURN_IF_ARROW_ERROR(sink_->Close(), path_);
      ONEFOLD_RETURN_IF_ERROR(publish_file(path_ + ".tmp", path_));
      TableFile file;
      file.path = path_;
      file.row_group_rows = row_group_rows_;
      for (int64_t rows : row_group_rows_) file.num_rows += rows;
      ONEFOLD_ASSIGN_OR_RETURN(file.bytes, file_size(path_));
      ONEFOLD_ASSIGN_OR_RETURN(file.xxh3, hash_file(path_));
      return file;
    });
  }

 private:
  std::string path_;
  std::unique_ptr<parquet::arrow::FileWriter> writer_;
  std::shared_ptr<arrow::io::OutputStream> sink_;
  std::vector<int64_t> row_group_rows_;
};

}  // namespace

Result<std::unique_ptr<ParquetWriter>> ParquetWriter::create(
    const std::string& path, const std::vector<TableColumn>& columns, int zstd_level) {
  return catch_parquet(path, [&]() -> Result<std::unique_ptr<ParquetWriter>> {
    std::vector<std::shared_ptr<arrow::Field>> fields;
    for (const TableColumn& column : columns) fields.push_back(to_arrow_field(column));
    ONEFOLD_ASSIGN_OR_RETURN_ARROW(std::shared_ptr<arrow::io::OutputStream> sink,
                                   arrow::io::FileOutputStream::Open(path + ".tmp"), path);
    ONEFOLD_ASSIGN_OR_RETURN_ARROW(
        auto writer,
        parquet::arrow::FileWriter::Open(*arrow::schema(fields), arrow::default_memory_pool(), sink,
                                         writer_properties(columns, zstd_level)),
        path);
    return std::unique_ptr<ParquetWriter>(
        std::make_unique<ParquetWriterImpl>(path, std::move(writer), std::move(sink)));
  });
}

}  // namespace onefold
