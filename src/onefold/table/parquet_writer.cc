// SPDX-License-Identifier: Apache-2.0
#include "onefold/table/parquet_writer.h"

#include <arrow/array.h>
#include <arrow/io/file.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <parquet/arrow/writer.h>

#include "onefold/base/files.h"
#include "onefold/table/parquet_errors.h"
#include "onefold/table/table_file.h"

namespace onefold {
namespace {

// A file of fewer columns is better encoded in one thread, beside other files.
constexpr size_t kColumnsForThreads = 5;

}  // namespace

ParquetWriter::ParquetWriter(std::string path, std::string kind, std::vector<TableColumn> columns,
                             EncodingChooser* chooser)
    : path_(std::move(path)),
      kind_(std::move(kind)),
      columns_(std::move(columns)),
      chooser_(chooser) {}

Result<std::unique_ptr<ParquetWriter>> ParquetWriter::create(
    const std::string& path, const std::vector<TableColumn>& columns, int zstd_level) {
  auto chooser = std::make_unique<EncodingChooser>(zstd_level);
  auto writer = std::make_unique<ParquetWriter>(path, "", columns, chooser.get());
  writer->own_chooser_ = std::move(chooser);
  return writer;
}

ParquetWriter::~ParquetWriter() = default;

Status ParquetWriter::create_file(const ArrowArrays& arrays) {
  const std::vector<ColumnEncoding>& encodings = chooser_->choose(kind_, columns_, arrays);
  std::vector<std::shared_ptr<arrow::Field>> fields;
  for (const TableColumn& column : columns_) fields.push_back(to_arrow_field(column));
  ONEFOLD_ASSIGN_OR_RETURN_ARROW(sink_, arrow::io::FileOutputStream::Open(path_ + ".tmp"), path_);
  const auto how = parquet::ArrowWriterProperties::Builder()
                       .set_use_threads(uses_executor())
                       ->set_executor(chooser_->executor())
                       ->build();
  ONEFOLD_ASSIGN_OR_RETURN_ARROW(
      writer_,
      parquet::arrow::FileWriter::Open(
          *arrow::schema(fields), arrow::default_memory_pool(), sink_,
          writer_properties(columns_, encodings, chooser_->zstd_level()), how),
      path_);
  return {};
}

bool ParquetWriter::uses_executor() const {
  return chooser_->executor() != nullptr && columns_.size() >= kColumnsForThreads;
}

Status ParquetWriter::begin(const ArrowArrays& arrays) {
  ONEFOLD_CHECK(arrays.size() == columns_.size(), "a row group needs one array per column");
  if (writer_) return {};
  return catch_parquet(path_, [&] { return create_file(arrays); });
}

Status ParquetWriter::encode(int64_t num_rows, const ArrowArrays& arrays) {
  ONEFOLD_CHECK(num_rows > 0, "a row group needs rows");
  for (const auto& array : arrays) {
    ONEFOLD_CHECK(array->length() == num_rows, "columns of a row group differ in length");
  }
  return catch_parquet(path_, [&]() -> Status {
    if (uses_executor()) {
      ONEFOLD_RETURN_IF_ARROW_ERROR(writer_->NewBufferedRowGroup(), path_);
      const auto batch = arrow::RecordBatch::Make(writer_->schema(), num_rows, arrays);
      ONEFOLD_RETURN_IF_ARROW_ERROR(writer_->WriteRecordBatch(*batch), path_);
    } else {
      ONEFOLD_RETURN_IF_ARROW_ERROR(writer_->NewRowGroup(), path_);
      for (const auto& array : arrays) {
        ONEFOLD_RETURN_IF_ARROW_ERROR(writer_->WriteColumnChunk(*array), path_);
      }
    }
    row_group_rows_.push_back(num_rows);
    return {};
  });
}

Status ParquetWriter::write_row_group(int64_t num_rows, const ArrowArrays& arrays) {
  ONEFOLD_RETURN_IF_ERROR(begin(arrays));
  return encode(num_rows, arrays);
}

Result<TableFile> ParquetWriter::close() {
  ONEFOLD_CHECK(writer_ != nullptr, "a file without row groups cannot be closed");
  return catch_parquet(path_, [&]() -> Result<TableFile> {
    ONEFOLD_RETURN_IF_ARROW_ERROR(writer_->Close(), path_);
    ONEFOLD_RETURN_IF_ARROW_ERROR(sink_->Close(), path_);
    return publish_table_file(path_, row_group_rows_);
  });
}

}  // namespace onefold
