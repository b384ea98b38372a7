// SPDX-License-Identifier: Apache-2.0
#include "onefold/timeline/record_stream.h"

#include <atomic>
#include <filesystem>

#include <arrow/csv/options.h>
#include <arrow/csv/reader.h>
#include <arrow/io/compressed.h>
#include <arrow/io/file.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <arrow/util/compression.h>
#include <parquet/arrow/reader.h>
#include <parquet/file_reader.h>
#include <parquet/metadata.h>

#include "onefold/log/arrow_status.h"
#include "onefold/table/parquet_errors.h"
#include "onefold/timeline/parquet_status.h"

namespace onefold {
namespace {

arrow::Compression::type compression_of(const std::string& path) {
  if (path.ends_with(".zst")) return arrow::Compression::ZSTD;
  if (path.ends_with(".gz")) return arrow::Compression::GZIP;
  if (path.ends_with(".bz2")) return arrow::Compression::BZ2;
  if (path.ends_with(".lz4")) return arrow::Compression::LZ4_FRAME;
  return arrow::Compression::UNCOMPRESSED;
}

std::string without_compression(const std::string& path) {
  if (compression_of(path) == arrow::Compression::UNCOMPRESSED) return path;
  return path.substr(0, path.rfind('.'));
}

std::string listed(const std::vector<std::string>& names) {
  std::string list;
  for (const std::string& name : names) list += (list.empty() ? "" : ", ") + name;
  return list;
}

class ParquetRecords final : public RecordStream {
 public:
  static Result<std::shared_ptr<arrow::Schema>> schema_of(const std::string& path) {
    return catch_parquet(path, [&]() -> Result<std::shared_ptr<arrow::Schema>> {
      ONEFOLD_ASSIGN_OR_RETURN(const auto file, open_file(path));
      std::shared_ptr<arrow::Schema> schema;
      ONEFOLD_RETURN_IF_PARQUET_ERROR(file->reader_->GetSchema(&schema), path);
      return schema;
    });
  }

  static Result<std::unique_ptr<RecordStream>> open(const std::string& path,
                                                    const std::vector<std::string>& columns) {
    return catch_parquet(path, [&]() -> Result<std::unique_ptr<RecordStream>> {
      ONEFOLD_ASSIGN_OR_RETURN(auto opened, open_file(path));
      ONEFOLD_RETURN_IF_ERROR(opened->select(columns));
      return std::unique_ptr<RecordStream>(std::move(opened));
    });
  }

  std::shared_ptr<arrow::Schema> schema() const override { return batches_->schema(); }
  int64_t malformed_rows() const override { return 0; }

  Result<std::shared_ptr<arrow::RecordBatch>> next() override {
    return catch_parquet(path_, [&]() -> Result<std::shared_ptr<arrow::RecordBatch>> {
      std::shared_ptr<arrow::RecordBatch> batch;
      ONEFOLD_RETURN_IF_PARQUET_ERROR(batches_->ReadNext(&batch), path_);
      return batch;
    });
  }

 private:
  static Result<std::unique_ptr<ParquetRecords>> open_file(const std::string& path) {
    auto file = arrow::io::ReadableFile::Open(path);
    ONEFOLD_RETURN_IF_PARQUET_ERROR(file.status(), path);
    auto opened = std::make_unique<ParquetRecords>();
    opened->path_ = path;
    parquet::arrow::FileReaderBuilder builder;
    ONEFOLD_RETURN_IF_PARQUET_ERROR(builder.Open(*file), path);
    ONEFOLD_RETURN_IF_PARQUET_ERROR(builder.Build(&opened->reader_), path);
    return opened;
  }

  Status select(const std::vector<std::string>& columns) {
    const auto* parquet_schema = reader_->parquet_reader()->metadata()->schema();
    std::vector<std::string> present;
    for (int i = 0; i < parquet_schema->num_columns(); ++i) {
      present.push_back(parquet_schema->Column(i)->path()->ToDotString());
    }
    std::vector<int> indices;
    for (const std::string& column : columns) {
      const size_t before = indices.size();
      for (size_t i = 0; i < present.size(); ++i) {  // of a list: "history.list.element"
        if (present[i] == column || present[i].starts_with(column + ".")) {
          indices.push_back(static_cast<int>(i));
        }
      }
      if (indices.size() == before) {
        return schema_error(path_ + ": no column '" + column + "'; it has " + listed(present));
      }
    }
    std::vector<int> row_groups(reader_->num_row_groups());
    for (size_t i = 0; i < row_groups.size(); ++i) row_groups[i] = static_cast<int>(i);
    auto batches = reader_->GetRecordBatchReader(row_groups, indices);
    ONEFOLD_RETURN_IF_PARQUET_ERROR(batches.status(), path_);
    batches_ = std::move(*batches);
    return {};
  }

  std::string path_;
  std::unique_ptr<parquet::arrow::FileReader> reader_;
  std::unique_ptr<arrow::RecordBatchReader> batches_;
};

class CsvRecords final : public RecordStream {
 public:
  static Result<std::unique_ptr<RecordStream>> open(const std::string& path,
                                                    const std::vector<std::string>& columns,
                                                    char delimiter) {
    auto file = arrow::io::ReadableFile::Open(path);
    ONEFOLD_RETURN_IF_ARROW_ERROR(file.status(), path);
    auto opened = std::make_unique<CsvRecords>();
    opened->path_ = path;
    std::shared_ptr<arrow::io::InputStream> input = *file;
    if (compression_of(path) != arrow::Compression::UNCOMPRESSED) {
      auto codec = arrow::util::Codec::Create(compression_of(path));
      ONEFOLD_RETURN_IF_ARROW_ERROR(codec.status(), path);
      opened->codec_ = std::move(*codec);
      auto plain = arrow::io::CompressedInputStream::Make(opened->codec_.get(), input);
      ONEFOLD_RETURN_IF_ARROW_ERROR(plain.status(), path);
      input = *plain;
    }
    ONEFOLD_RETURN_IF_ERROR(opened->start(std::move(input), columns, delimiter));
    return std::unique_ptr<RecordStream>(std::move(opened));
  }

  std::shared_ptr<arrow::Schema> schema() const override { return reader_->schema(); }
  int64_t malformed_rows() const override { return *malformed_; }

  Result<std::shared_ptr<arrow::RecordBatch>> next() override {
    std::shared_ptr<arrow::RecordBatch> batch;
    ONEFOLD_RETURN_IF_ARROW_ERROR(reader_->ReadNext(&batch), path_);
    return batch;
  }

 private:
  Status start(std::shared_ptr<arrow::io::InputStream> input,
               const std::vector<std::string>& columns, char delimiter) {
    auto read = arrow::csv::ReadOptions::Defaults();
    read.use_threads = false;
    auto parse = arrow::csv::ParseOptions::Defaults();
    parse.delimiter = delimiter;
    parse.invalid_row_handler = [counter = malformed_](const arrow::csv::InvalidRow&) {
      ++*counter;
      return arrow::csv::InvalidRowResult::Skip;
    };
    auto convert = arrow::csv::ConvertOptions::Defaults();
    convert.check_utf8 = false;
    convert.include_columns = columns;
    for (const std::string& column : columns) convert.column_types[column] = arrow::utf8();
    auto reader = arrow::csv::StreamingReader::Make(arrow::io::default_io_context(),
                                                    std::move(input), read, parse, convert);
    if (reader.status().IsKeyError()) {
      return schema_error(path_ + ": " + reader.status().message() + "; separated by '" +
                          std::string(1, delimiter) + "', the header line must have " +
                          listed(columns));
    }
    ONEFOLD_RETURN_IF_ARROW_ERROR(reader.status(), path_);
    reader_ = *reader;
    return {};
  }

  std::string path_;
  std::unique_ptr<arrow::util::Codec> codec_;  // outlives reader_
  std::shared_ptr<std::atomic<int64_t>> malformed_ = std::make_shared<std::atomic<int64_t>>(0);
  std::shared_ptr<arrow::csv::StreamingReader> reader_;
};

// By the file's name unless given.
char delimiter_of(const std::string& path, char delimiter) {
  if (delimiter != 0) return delimiter;
  return without_compression(path).ends_with(".tsv") ? '\t' : ',';
}

}  // namespace

Result<std::shared_ptr<arrow::Schema>> record_schema(const std::string& path, char delimiter) {
  if (path.ends_with(".parquet")) return ParquetRecords::schema_of(path);
  ONEFOLD_ASSIGN_OR_RETURN(const auto all,
                           CsvRecords::open(path, {}, delimiter_of(path, delimiter)));
  return all->schema();
}

Result<std::unique_ptr<RecordStream>> RecordStream::open(const std::string& path,
                                                         const std::vector<std::string>& columns,
                                                         char delimiter) {
  if (path.ends_with(".parquet")) return ParquetRecords::open(path, columns);
  return CsvRecords::open(path, columns, delimiter_of(path, delimiter));
}

bool is_record_file(const std::string& path) {
  const std::string plain = without_compression(path);
  return path.ends_with(".parquet") || plain.ends_with(".csv") || plain.ends_with(".tsv");
}

}  // namespace onefold
