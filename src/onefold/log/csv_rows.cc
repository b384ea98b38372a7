// SPDX-License-Identifier: Apache-2.0
#include "onefold/log/csv_rows.h"

#include <atomic>
#include <memory>

#include <arrow/array.h>
#include <arrow/csv/options.h>
#include <arrow/csv/reader.h>
#include <arrow/io/compressed.h>
#include <arrow/io/file.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <arrow/util/compression.h>

#include "onefold/base/files.h"
#include "onefold/log/arrow_status.h"

namespace onefold {
namespace {

using Malformed = std::shared_ptr<std::atomic<int64_t>>;

Result<std::shared_ptr<arrow::csv::StreamingReader>> start(
    const std::string& path, std::shared_ptr<arrow::io::InputStream> input,
    const std::vector<std::string>& columns, const Malformed& malformed) {
  auto read = arrow::csv::ReadOptions::Defaults();
  read.use_threads = false;
  auto parse = arrow::csv::ParseOptions::Defaults();
  parse.invalid_row_handler = [malformed](const arrow::csv::InvalidRow&) {
    ++*malformed;
    return arrow::csv::InvalidRowResult::Skip;
  };
  auto convert = arrow::csv::ConvertOptions::Defaults();
  convert.check_utf8 = false;
  convert.include_columns = columns;
  for (const std::string& column : columns) convert.column_types[column] = arrow::utf8();
  auto reader = arrow::csv::StreamingReader::Make(arrow::io::default_io_context(), std::move(input),
                                                  read, parse, convert);
  if (reader.status().IsKeyError()) {
    return schema_error(path + ": " + reader.status().message());
  }
  ONEFOLD_RETURN_IF_ARROW_ERROR(reader.status(), path);
  return *reader;
}

Status visit(const arrow::RecordBatch& batch, const CsvRow& on_row) {
  std::vector<std::string_view> fields(batch.num_columns());
  for (int64_t row = 0; row < batch.num_rows(); ++row) {
    for (int i = 0; i < batch.num_columns(); ++i) {
      fields[i] = static_cast<const arrow::StringArray&>(*batch.column(i)).GetView(row);
    }
    ONEFOLD_RETURN_IF_ERROR(on_row(fields));
  }
  return {};
}

}  // namespace

Result<int64_t> read_csv_rows(const std::string& path, const std::vector<std::string>& columns,
                              const CsvRow& on_row) {
  if (!path_exists(path)) return not_found(path + ": no such file");
  std::unique_ptr<arrow::util::Codec> codec;  // outlives the reader
  std::shared_ptr<arrow::io::InputStream> input;
  ONEFOLD_ASSIGN_OR_RETURN_ARROW(input, arrow::io::ReadableFile::Open(path), path);
  if (path.ends_with(".zst")) {
    ONEFOLD_ASSIGN_OR_RETURN_ARROW(codec, arrow::util::Codec::Create(arrow::Compression::ZSTD),
                                   path);
    ONEFOLD_ASSIGN_OR_RETURN_ARROW(
        input, arrow::io::CompressedInputStream::Make(codec.get(), input), path);
  }
  const auto malformed = std::make_shared<std::atomic<int64_t>>(0);
  ONEFOLD_ASSIGN_OR_RETURN(const auto reader, start(path, std::move(input), columns, malformed));
  while (true) {
    std::shared_ptr<arrow::RecordBatch> batch;
    ONEFOLD_RETURN_IF_ARROW_ERROR(reader->ReadNext(&batch), path);
    if (batch == nullptr) return malformed->load();
    ONEFOLD_RETURN_IF_ERROR(visit(*batch, on_row));
  }
}

}  // namespace onefold
