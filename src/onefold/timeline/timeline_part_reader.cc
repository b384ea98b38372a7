// SPDX-License-Identifier: Apache-2.0
#include "onefold/timeline/timeline_part_reader.h"

#include <limits>

#include <arrow/array.h>
#include <arrow/io/file.h>
#include <arrow/table.h>
#include <arrow/type.h>
#include <parquet/arrow/reader.h>
#include <parquet/file_reader.h>
#include <parquet/metadata.h>
#include <parquet/statistics.h>

#include "onefold/table/parquet_errors.h"
#include "onefold/timeline/parquet_status.h"
#include "onefold/timeline/timeline_part_writer.h"

namespace onefold {
namespace {

// Appends the elements of `array` to `out`, `missing` for nulls.
template <typename ArrayType, typename T>
void append_values(const arrow::Array& array, T missing, std::vector<T>& out) {
  const auto& typed = static_cast<const ArrayType&>(array);
  const size_t start = out.size();
  out.insert(out.end(), typed.raw_values(), typed.raw_values() + typed.length());
  if (typed.null_count() == 0) return;
  for (int64_t i = 0; i < typed.length(); ++i) {
    if (typed.IsNull(i)) out[start + i] = missing;
  }
}

void append_column(const arrow::Array& values, EventColumn column, EventColumns& out) {
  if (is_float(column)) {
    append_values<arrow::FloatArray>(values, std::numeric_limits<float>::quiet_NaN(),
                                     out.seconds(column));
  } else if (values.type_id() == arrow::Type::INT16) {
    append_values<arrow::Int16Array>(values, kMissing, out.at(column));
  } else if (values.type_id() == arrow::Type::TIMESTAMP) {
    append_values<arrow::TimestampArray>(values, kMissing, out.at(column));
  } else {
    append_values<arrow::Int64Array>(values, kMissing, out.at(column));
  }
}

class TimelinePartReaderImpl final : public TimelinePartReader {
 public:
  TimelinePartReaderImpl(std::string path, std::unique_ptr<parquet::arrow::FileReader> reader)
      : path_(std::move(path)), reader_(std::move(reader)) {}

  Status check_schema() {
    std::shared_ptr<arrow::Schema> schema;
    ONEFOLD_RETURN_IF_PARQUET_ERROR(reader_->GetSchema(&schema), path_);
    const auto expected = timeline_arrow_schema();
    for (int i = 0; i < expected->num_fields(); ++i) {
      const auto& want = expected->field(i);
      if (i >= schema->num_fields() || schema->field(i)->name() != want->name() ||
          !schema->field(i)->type()->Equals(*want->type())) {
        return schema_error(
            path_ + ": column " + std::to_string(i) + " should be " + want->ToString(false) +
            ", is " + (i < schema->num_fields() ? schema->field(i)->ToString(false) : "absent"));
      }
    }
    const auto metadata = reader_->parquet_reader()->metadata();
    for (int i = 0; i < metadata->num_row_groups(); ++i) {
      const auto statistics = metadata->RowGroup(i)->ColumnChunk(0)->statistics();
      if (!statistics || !statistics->HasMinMax()) {
        return schema_error(path_ + ": no statistics of user_id in row group " + std::to_string(i));
      }
      last_users_.push_back(static_cast<const parquet::Int64Statistics&>(*statistics).max());
    }
    return {};
  }

  int num_row_groups() const override { return static_cast<int>(last_users_.size()); }
  int64_t last_user(int row_group) const override { return last_users_[row_group]; }
  int64_t bytes_read() const override { return bytes_read_; }

  Result<std::shared_ptr<const PartRows>> read(int row_group, ColumnSet columns) override {
    return catch_parquet(path_, [&]() -> Result<std::shared_ptr<const PartRows>> {
      std::vector<int> indices = {0};  // every list has one leaf: leaf index == field index
      for (int i = 0; i < kNumEventColumns; ++i) {
        if (columns.has(i)) indices.push_back(i + 1);
      }
      ONEFOLD_ASSIGN_OR_RETURN_PARQUET(const auto table, reader_->ReadRowGroup(row_group, indices),
                                       path_);
      count_bytes(row_group, indices);
      auto rows = std::make_shared<PartRows>();
      ONEFOLD_RETURN_IF_ERROR(read_users(*table->column(0), *rows));
      for (int field = 1, column = 0; column < kNumEventColumns; ++column) {
        if (!columns.has(column)) continue;
        ONEFOLD_RETURN_IF_ERROR(
            read_list(*table->column(field++), static_cast<EventColumn>(column), *rows));
      }
      rows->events.num_events = rows->offsets.empty() ? 0 : rows->offsets.back();
      ONEFOLD_RETURN_IF_ERROR(check_times(*rows, columns));
      return std::shared_ptr<const PartRows>(std::move(rows));
    });
  }

 private:
  void count_bytes(int row_group, const std::vector<int>& indices) {
    const auto metadata = reader_->parquet_reader()->metadata()->RowGroup(row_group);
    for (int i : indices) bytes_read_ += metadata->ColumnChunk(i)->total_compressed_size();
  }

  Status damaged(const std::string& what) const { return data_loss(path_ + ": " + what); }

  Status read_users(const arrow::ChunkedArray& column, PartRows& rows) const {
    for (const auto& chunk : column.chunks()) {
      append_values<arrow::Int64Array>(*chunk, kMissing, rows.user_id);
    }
    for (size_t i = 1; i < rows.user_id.size(); ++i) {
      if (rows.user_id[i] <= rows.user_id[i - 1]) {
        return damaged("user " + std::to_string(rows.user_id[i]) + " is out of order");
      }
    }
    return {};
  }

  // The first column read fixes the offsets; the others must agree.
  Status read_list(const arrow::ChunkedArray& column, EventColumn name, PartRows& rows) const {
    std::vector<int64_t> offsets = {0};
    for (const auto& chunk : column.chunks()) {
      const auto& lists = static_cast<const arrow::ListArray&>(*chunk);
      const int64_t first = offsets.back() - lists.value_offset(0);
      for (int64_t i = 1; i <= lists.length(); ++i) {
        offsets.push_back(first + lists.value_offset(i));
      }
      const auto values = lists.values()->Slice(
          lists.value_offset(0), lists.value_offset(lists.length()) - lists.value_offset(0));
      append_column(*values, name, rows.events);
    }
    if (rows.offsets.empty())
      rows.offsets = std::move(offsets);
    else if (rows.offsets != offsets) {
      return damaged(std::string("the lists '") + to_string(name) +
                     "' and others of a user differ in length");
    }
    if (rows.offsets.size() != rows.user_id.size() + 1) return damaged("rows without a user");
    return {};
  }

  Status check_times(const PartRows& rows, ColumnSet columns) const {
    if (!columns.has(EventColumn::kTime)) return {};
    const auto& times = rows.events.at(EventColumn::kTime);
    for (int64_t row = 0; row < rows.num_rows(); ++row) {
      for (int64_t i = rows.offsets[row] + 1; i < rows.offsets[row + 1]; ++i) {
        if (times[i] < times[i - 1]) {
          return damaged("events of user " + std::to_string(rows.user_id[row]) +
                         " are not in the order of their time");
        }
      }
    }
    return {};
  }

  std::string path_;
  std::unique_ptr<parquet::arrow::FileReader> reader_;
  std::vector<int64_t> last_users_;  // [num_row_groups]
  int64_t bytes_read_ = 0;
};

}  // namespace

int64_t PartRows::bytes() const {
  int64_t bytes = static_cast<int64_t>(user_id.size() + offsets.size()) * 8;
  for (const auto& column : events.ints) bytes += static_cast<int64_t>(column.size()) * 8;
  for (const auto& column : events.floats) bytes += static_cast<int64_t>(column.size()) * 4;
  return bytes;
}

Result<std::unique_ptr<TimelinePartReader>> TimelinePartReader::open(const std::string& path) {
  return catch_parquet(path, [&]() -> Result<std::unique_ptr<TimelinePartReader>> {
    auto file = arrow::io::ReadableFile::Open(path);
    ONEFOLD_RETURN_IF_PARQUET_ERROR(file.status(), path);
    parquet::ReaderProperties properties;
    properties.set_page_checksum_verification(true);
    parquet::arrow::FileReaderBuilder builder;
    ONEFOLD_RETURN_IF_PARQUET_ERROR(builder.Open(*file, properties), path);
    std::unique_ptr<parquet::arrow::FileReader> reader;
    ONEFOLD_RETURN_IF_PARQUET_ERROR(builder.Build(&reader), path);
    auto opened = std::make_unique<TimelinePartReaderImpl>(path, std::move(reader));
    ONEFOLD_RETURN_IF_ERROR(opened->check_schema());
    return std::unique_ptr<TimelinePartReader>(std::move(opened));
  });
}

}  // namespace onefold
