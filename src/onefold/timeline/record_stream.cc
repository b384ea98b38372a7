// SPDX-License-Identifier: Apache-2.0
#include "onefold/timeline/record_stream.h"

#include <deque>
#include <limits>
#include <mutex>
#include <optional>

#include <arrow/csv/options.h>
#include <arrow/csv/reader.h>
#include <arrow/io/file.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <parquet/arrow/reader.h>
#include <parquet/file_reader.h>
#include <parquet/metadata.h>

#include "onefold/log/arrow_status.h"
#include "onefold/table/parquet_errors.h"
#include "onefold/timeline/parquet_status.h"
#include "onefold/timeline/text_file.h"

namespace onefold {
namespace {

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
  int64_t row_number(int64_t row) const override { return rows_before_ + row + 1; }
  double fraction_read() const override {
    return num_rows_ == 0 ? 1 : static_cast<double>(rows_read_) / static_cast<double>(num_rows_);
  }

  Result<std::shared_ptr<arrow::RecordBatch>> next() override {
    return catch_parquet(path_, [&]() -> Result<std::shared_ptr<arrow::RecordBatch>> {
      std::shared_ptr<arrow::RecordBatch> batch;
      ONEFOLD_RETURN_IF_PARQUET_ERROR(batches_->ReadNext(&batch), path_);
      rows_before_ = rows_read_;
      if (batch) rows_read_ += batch->num_rows();
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
    opened->num_rows_ = opened->reader_->parquet_reader()->metadata()->num_rows();
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
  int64_t num_rows_ = 0, rows_read_ = 0, rows_before_ = 0;
};

// Malformed rows in order, from the thread that parses to the one that calls next().
class BadRows {
 public:
  void push(BadRow row) {
    const std::lock_guard lock(mutex_);
    rows_.push_back(std::move(row));
  }
  std::optional<BadRow> pop_if(int64_t number) {
    const std::lock_guard lock(mutex_);
    if (rows_.empty() || rows_.front().number > number) return std::nullopt;
    BadRow row = std::move(rows_.front());
    rows_.pop_front();
    return row;
  }

 private:
  std::mutex mutex_;
  std::deque<BadRow> rows_;
};

class CsvRecords final : public RecordStream {
 public:
  explicit CsvRecords(std::string path, TextFile file, OnBadRow on_bad_row)
      : path_(std::move(path)), file_(std::move(file)), on_bad_row_(std::move(on_bad_row)) {}

  static Result<std::unique_ptr<RecordStream>> open(const std::string& path,
                                                    const std::vector<std::string>& columns,
                                                    char delimiter, OnBadRow on_bad_row) {
    ONEFOLD_ASSIGN_OR_RETURN(auto file, TextFile::open(path));
    auto opened = std::make_unique<CsvRecords>(path, std::move(file), std::move(on_bad_row));
    ONEFOLD_RETURN_IF_ERROR(opened->start(columns, delimiter));
    return std::unique_ptr<RecordStream>(std::move(opened));
  }

  std::shared_ptr<arrow::Schema> schema() const override { return reader_->schema(); }
  int64_t malformed_rows() const override { return malformed_; }
  int64_t row_number(int64_t row) const override { return numbers_[row]; }
  double fraction_read() const override { return file_.fraction_read(); }

  Result<std::shared_ptr<arrow::RecordBatch>> next() override {
    std::shared_ptr<arrow::RecordBatch> batch;
    ONEFOLD_RETURN_IF_ARROW_ERROR(reader_->ReadNext(&batch), path_);
    numbers_.resize(batch ? batch->num_rows() : 0);
    for (int64_t& number : numbers_) {
      do {
        ++number_;
      } while (report_malformed(number_));
      number = number_;
    }
    while (!batch && report_malformed(std::numeric_limits<int64_t>::max())) continue;
    return batch;
  }

 private:
  // Is the next malformed row number `number` or one before it?
  bool report_malformed(int64_t number) {
    const auto bad = bad_rows_->pop_if(number);
    if (!bad) return false;
    ++malformed_;
    if (on_bad_row_) on_bad_row_(*bad);
    return true;
  }

  Status start(const std::vector<std::string>& columns, char delimiter) {
    auto read = arrow::csv::ReadOptions::Defaults();
    read.use_threads = false;  // which is when Arrow numbers malformed rows
    auto parse = arrow::csv::ParseOptions::Defaults();
    parse.delimiter = delimiter;
    parse.invalid_row_handler = [bad = bad_rows_](const arrow::csv::InvalidRow& row) {
      bad->push({.number = row.number - 1,  // Arrow counts the header
                 .detail = std::to_string(row.actual_columns) + " cells instead of " +
                           std::to_string(row.expected_columns),
                 .text = std::string(row.text)});
      return arrow::csv::InvalidRowResult::Skip;
    };
    auto convert = arrow::csv::ConvertOptions::Defaults();
    convert.check_utf8 = false;
    convert.include_columns = columns;
    for (const std::string& column : columns) convert.column_types[column] = arrow::utf8();
    auto reader = arrow::csv::StreamingReader::Make(arrow::io::default_io_context(), file_.input(),
                                                    read, parse, convert);
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
  TextFile file_;  // outlives reader_
  OnBadRow on_bad_row_;
  std::shared_ptr<BadRows> bad_rows_ = std::make_shared<BadRows>();
  std::shared_ptr<arrow::csv::StreamingReader> reader_;
  int64_t malformed_ = 0, number_ = 0;
  std::vector<int64_t> numbers_;  // of the last batch
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
                           CsvRecords::open(path, {}, delimiter_of(path, delimiter), {}));
  return all->schema();
}

Result<std::unique_ptr<RecordStream>> RecordStream::open(const std::string& path,
                                                         const std::vector<std::string>& columns,
                                                         char delimiter, OnBadRow on_bad_row) {
  if (path.ends_with(".parquet")) return ParquetRecords::open(path, columns);
  return CsvRecords::open(path, columns, delimiter_of(path, delimiter), std::move(on_bad_row));
}

bool is_record_file(const std::string& path) {
  const std::string plain = without_compression(path);
  return path.ends_with(".parquet") || plain.ends_with(".csv") || plain.ends_with(".tsv");
}

}  // namespace onefold
