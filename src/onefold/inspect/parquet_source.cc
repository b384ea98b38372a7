// SPDX-License-Identifier: Apache-2.0
#include "onefold/inspect/parquet_source.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <fmt/ranges.h>
#include <parquet/arrow/reader.h>
#include <parquet/file_reader.h>
#include <parquet/properties.h>

#include "onefold/base/files.h"
#include "onefold/base/set_aside.h"
#include "onefold/inspect/key_columns.h"
#include "onefold/inspect/value_words.h"
#include "onefold/log/arrow_status.h"
#include "onefold/table/parquet_errors.h"

namespace onefold {
namespace {

constexpr int64_t kRowsAtOnce = 16 << 10;

// One file, read from its beginning to its end.
class OpenFile {
 public:
  static Result<OpenFile> open(const std::string& path) {
    return catch_parquet(path, [&]() -> Result<OpenFile> {
      parquet::ArrowReaderProperties properties;
      properties.set_batch_size(kRowsAtOnce);
      OpenFile file(path);
      ONEFOLD_ASSIGN_OR_RETURN_ARROW(
          file.reader_,
          parquet::arrow::FileReader::Make(
              arrow::default_memory_pool(),
              parquet::ParquetFileReader::OpenFile(path, /*memory_map=*/false), properties),
          path);
      ONEFOLD_ASSIGN_OR_RETURN_ARROW(file.batches_, file.reader_->GetRecordBatchReader(), path);
      return file;
    });
  }

  const std::string& path() const { return path_; }
  const arrow::Schema& schema() const { return *batches_->schema(); }

  // nullptr at the end of the file.
  Result<std::shared_ptr<arrow::RecordBatch>> next() {
    return catch_parquet(path_, [&]() -> Result<std::shared_ptr<arrow::RecordBatch>> {
      std::shared_ptr<arrow::RecordBatch> batch;
      ONEFOLD_RETURN_IF_ARROW_ERROR(batches_->ReadNext(&batch), path_);
      // Statistics index memory by what the file says: offsets and codes must be in range.
      if (batch) ONEFOLD_RETURN_IF_ARROW_ERROR(batch->ValidateFull(), path_);
      return batch;
    });
  }

 private:
  explicit OpenFile(std::string path) : path_(std::move(path)) {}

  std::string path_;
  std::unique_ptr<parquet::arrow::FileReader> reader_;  // outlives batches_
  std::unique_ptr<arrow::RecordBatchReader> batches_;
};

class ParquetSource : public SampleSource {
 public:
  static Result<std::unique_ptr<SampleSource>> open(const std::vector<std::string>& files,
                                                    const ParquetSourceOptions& options) {
    ONEFOLD_ASSIGN_OR_RETURN(OpenFile first, OpenFile::open(files.front()));
    std::vector<const std::string*> named = {&options.session, &options.user, &options.time,
                                             &options.label, &options.request};
    for (const std::string& skipped : options.skip) named.push_back(&skipped);
    for (const std::string* column : named) {
      if (column->empty() || first.schema().GetFieldIndex(*column) >= 0) continue;
      return not_found(fmt::format("{}: no column '{}'; there are {}", files.front(), *column,
                                   fmt::join(first.schema().field_names(), ", ")));
    }
    return std::unique_ptr<SampleSource>(new ParquetSource(files, options, std::move(first)));
  }

  const std::vector<SourceGroup>& groups() const override { return groups_; }
  const std::vector<std::string>& labels() const override { return labels_; }

  Result<std::optional<SampleChunk>> next() override {
    for (;;) {
      ONEFOLD_ASSIGN_OR_RETURN(const auto batch, file_.next());
      if (batch) return to_chunk(*batch);
      if (++num_read_ == files_.size()) return std::optional<SampleChunk>();
      ONEFOLD_ASSIGN_OR_RETURN(OpenFile following, OpenFile::open(files_[num_read_]));
      if (!following.schema().Equals(*schema_, /*check_metadata=*/false)) {
        return schema_error(files_[num_read_] + ": its columns differ from those of " +
                            files_.front());
      }
      file_ = std::move(following);
    }
  }

 private:
  ParquetSource(const std::vector<std::string>& files, const ParquetSourceOptions& options,
                OpenFile first)
      : files_(files),
        options_(options),
        schema_(arrow::schema(first.schema().fields())),
        file_(std::move(first)) {
    if (!options.label.empty()) labels_ = {options.label};
    for (int c = 0; c < schema_->num_fields(); ++c) {
      const std::string& name = schema_->field(c)->name();
      if (name == options.session || name == options.user || name == options.time ||
          name == options.label || name == options.request ||
          std::count(options.skip.begin(), options.skip.end(), name) > 0) {
        continue;
      }
      groups_.push_back({"", {{name, schema_->field(c)->type()->ToString()}}});
      feature_columns_.push_back(c);
    }
  }

  Status in_column(const std::string& column, const Status& status) const {
    return status.with_context(file_.path() + ": column '" + column + "'");
  }

  Result<std::optional<SampleChunk>> to_chunk(const arrow::RecordBatch& batch) const {
    SampleChunk chunk;
    ONEFOLD_RETURN_IF_ERROR(add_keys(batch, chunk));
    for (int c : feature_columns_) {
      auto words = row_words(*batch.column(c));
      if (!words.ok()) return in_column(schema_->field(c)->name(), words.status());
      chunk.groups.emplace_back().features.push_back(std::move(words).value());
    }
    return std::optional<SampleChunk>(std::move(chunk));
  }

  Status add_keys(const arrow::RecordBatch& batch, SampleChunk& chunk) const {
    auto read = [&](const std::string& name, auto column_of, auto& into) -> Status {
      if (name.empty()) return {};
      auto column = column_of(*batch.GetColumnByName(name));
      if (!column.ok()) return in_column(name, column.status());
      into = std::move(column).value();
      return {};
    };
    auto id_of = [](const arrow::Array& array) { return id_column(array, false); };
    auto nullable_id_of = [](const arrow::Array& array) { return id_column(array, true); };
    ONEFOLD_RETURN_IF_ERROR(read(options_.session, id_of, chunk.session));
    ONEFOLD_RETURN_IF_ERROR(read(options_.user, nullable_id_of, chunk.user));
    ONEFOLD_RETURN_IF_ERROR(read(options_.request, id_of, chunk.request));
    ONEFOLD_RETURN_IF_ERROR(read(options_.time, time_column, chunk.time));
    chunk.positives.assign(labels_.size(), 0);
    if (labels_.empty()) return {};
    return read(options_.label, count_positives, chunk.positives.front());
  }

  const std::vector<std::string> files_;
  const ParquetSourceOptions options_;
  const std::shared_ptr<arrow::Schema> schema_;  // of all files
  OpenFile file_;                                // files_[num_read_]
  size_t num_read_ = 0;
  std::vector<std::string> labels_;
  std::vector<SourceGroup> groups_;
  std::vector<int> feature_columns_;  // [groups]
};

}  // namespace

Result<std::vector<std::string>> parquet_files(const std::string& path) {
  if (!path_exists(path)) return not_found(path + ": no such file or directory");
  if (!std::filesystem::is_directory(path)) return std::vector<std::string>{path};
  ONEFOLD_ASSIGN_OR_RETURN(const std::vector<std::string> names, list_data_files(path));
  std::vector<std::string> files;
  for (const std::string& name : names) {
    if (name.ends_with(".parquet")) files.push_back((std::filesystem::path(path) / name).string());
  }
  if (files.empty()) return not_found(path + ": no *.parquet file in this directory");
  return files;
}

Result<std::unique_ptr<SampleSource>> open_parquet_source(const std::vector<std::string>& files,
                                                          const ParquetSourceOptions& options) {
  return ParquetSource::open(files, options);
}

}  // namespace onefold
