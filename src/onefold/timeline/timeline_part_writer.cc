// SPDX-License-Identifier: Apache-2.0
#include "onefold/timeline/timeline_part_writer.h"

#include <algorithm>
#include <cmath>

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/builder.h>
#include <arrow/io/file.h>
#include <arrow/table.h>
#include <arrow/type.h>
#include <parquet/arrow/writer.h>
#include <parquet/properties.h>

#include "onefold/base/files.h"
#include "onefold/base/hash.h"
#include "onefold/log/arrow_status.h"
#include "onefold/table/parquet_errors.h"

namespace onefold {
namespace {

using Arrays = std::vector<std::shared_ptr<arrow::Array>>;

std::shared_ptr<arrow::DataType> element_type(EventColumn column) {
  switch (column) {
    case EventColumn::kTime:
      return arrow::timestamp(arrow::TimeUnit::MICRO, "UTC");
    case EventColumn::kAction:
    case EventColumn::kSurface:
    case EventColumn::kMediaType:
      return arrow::int16();
    case EventColumn::kDuration:
    case EventColumn::kWatchTime:
      return arrow::float32();
    default:
      return arrow::int64();
  }
}

std::shared_ptr<parquet::WriterProperties> writer_properties(const TimelinePartOptions& options) {
  parquet::WriterProperties::Builder builder;
  builder.compression(parquet::Compression::ZSTD)->compression_level(options.zstd_level);
  // zstd frames carry no checksum: without this a flipped bit could decode to other ids.
  builder.enable_page_checksum();
  builder.created_by("onefold");
  // Times rise by small steps; event ids never repeat, a dictionary of them is waste.
  builder.disable_dictionary("time.list.element");
  builder.encoding("time.list.element", parquet::Encoding::DELTA_BINARY_PACKED);
  builder.disable_dictionary("event_id.list.element");
  return builder.build();
}

std::shared_ptr<arrow::Buffer> borrow(const void* data, size_t bytes) {
  return std::make_shared<arrow::Buffer>(static_cast<const uint8_t*>(data), bytes);
}

template <typename Builder, typename T, typename IsMissing>
arrow::Result<std::shared_ptr<arrow::Array>> nullable_values(const std::vector<T>& values,
                                                             IsMissing is_missing) {
  Builder builder;
  ARROW_RETURN_NOT_OK(builder.Reserve(static_cast<int64_t>(values.size())));
  for (T value : values) {
    if (is_missing(value)) {
      builder.UnsafeAppendNull();
    } else {
      builder.UnsafeAppend(static_cast<typename Builder::value_type>(value));
    }
  }
  return builder.Finish();
}

arrow::Result<std::shared_ptr<arrow::Array>> column_values(const EventColumns& events,
                                                           EventColumn column) {
  const auto missing_int = [](int64_t value) { return value == kMissing; };
  switch (column) {
    case EventColumn::kTime: {
      const auto& values = events.at(column);
      return std::make_shared<arrow::TimestampArray>(
          element_type(column), static_cast<int64_t>(values.size()),
          borrow(values.data(), values.size() * sizeof(int64_t)));
    }
    case EventColumn::kAction:
    case EventColumn::kSurface:
    case EventColumn::kMediaType:
      return nullable_values<arrow::Int16Builder>(events.at(column), missing_int);
    case EventColumn::kDuration:
    case EventColumn::kWatchTime:
      return nullable_values<arrow::FloatBuilder>(events.seconds(column),
                                                  [](float value) { return std::isnan(value); });
    default:
      return nullable_values<arrow::Int64Builder>(events.at(column), missing_int);
  }
}

class TimelinePartWriterImpl final : public TimelinePartWriter {
 public:
  TimelinePartWriterImpl(std::string path, const TimelinePartOptions& options,
                         std::unique_ptr<parquet::arrow::FileWriter> writer,
                         std::shared_ptr<arrow::io::OutputStream> sink)
      : path_(std::move(path)),
        options_(options),
        writer_(std::move(writer)),
        sink_(std::move(sink)) {}

  Status add(int64_t user_id, const EventColumns& events) override {
    ONEFOLD_CHECK(events.num_events > 0, "a user without events has no row");
    ONEFOLD_CHECK(part_.num_users == 0 || user_id > part_.last_user, "users must ascend");
    note(user_id, events);
    users_.push_back(user_id);
    pending_.append(events, 0, events.num_events);
    offsets_.push_back(static_cast<int32_t>(pending_.num_events));
    if (pending_.num_events >= options_.row_group_events) return flush();
    return {};
  }

  int64_t num_events() const override { return part_.num_events; }

  Result<TimelinePart> close() override {
    ONEFOLD_CHECK(part_.num_users > 0, "an empty part is not written");
    ONEFOLD_RETURN_IF_ERROR(flush());
    return catch_parquet(path_, [&]() -> Result<TimelinePart> {
      ONEFOLD_RETURN_IF_ARROW_ERROR(writer_->Close(), path_);
      ONEFOLD_RETURN_IF_ARROW_ERROR(sink_->Close(), path_);
      ONEFOLD_RETURN_IF_ERROR(publish_file(path_ + ".tmp", path_));
      ONEFOLD_ASSIGN_OR_RETURN(const uint64_t bytes, file_size(path_));
      part_.bytes = static_cast<int64_t>(bytes);
      ONEFOLD_ASSIGN_OR_RETURN(part_.xxh3, hash_file(path_));
      return part_;
    });
  }

 private:
  void note(int64_t user_id, const EventColumns& events) {
    const auto& times = events.at(EventColumn::kTime);
    if (part_.num_users == 0) {
      part_.first_user = user_id;
      part_.oldest_time_us = times.front();
      part_.newest_time_us = times.back();
    }
    part_.last_user = user_id;
    part_.oldest_time_us = std::min(part_.oldest_time_us, times.front());
    part_.newest_time_us = std::max(part_.newest_time_us, times.back());
    part_.num_events += events.num_events;
    ++part_.num_users;
  }

  Status flush() {
    if (users_.empty()) return {};
    ONEFOLD_RETURN_IF_ERROR(catch_parquet(path_, [&]() -> Status {
      const auto schema = timeline_arrow_schema();
      ONEFOLD_RETURN_IF_ARROW_ERROR(writer_->NewRowGroup(), path_);
      const auto num_rows = static_cast<int64_t>(users_.size());
      const arrow::Int64Array users(num_rows, borrow(users_.data(), num_rows * sizeof(int64_t)));
      ONEFOLD_RETURN_IF_ARROW_ERROR(writer_->WriteColumnChunk(users), path_);
      const auto offsets = borrow(offsets_.data(), offsets_.size() * sizeof(int32_t));
      for (int i = 0; i < kNumEventColumns; ++i) {
        auto values = column_values(pending_, static_cast<EventColumn>(i));
        ONEFOLD_RETURN_IF_ARROW_ERROR(values.status(), path_);
        const arrow::ListArray lists(schema->field(i + 1)->type(), num_rows, offsets, *values);
        ONEFOLD_RETURN_IF_ARROW_ERROR(writer_->WriteColumnChunk(lists), path_);
      }
      return {};
    }));
    users_.clear();
    offsets_.assign(1, 0);
    pending_.clear();
    return {};
  }

  std::string path_;
  TimelinePartOptions options_;
  std::unique_ptr<parquet::arrow::FileWriter> writer_;
  std::shared_ptr<arrow::io::OutputStream> sink_;
  TimelinePart part_;

  std::vector<int64_t> users_;          // of the open row group
  std::vector<int32_t> offsets_ = {0};  // [users_.size() + 1]
  EventColumns pending_;
};

}  // namespace

std::shared_ptr<arrow::Schema> timeline_arrow_schema() {
  std::vector<std::shared_ptr<arrow::Field>> fields = {
      arrow::field("user_id", arrow::int64(), /*nullable=*/false)};
  for (int i = 0; i < kNumEventColumns; ++i) {
    const auto column = static_cast<EventColumn>(i);
    fields.push_back(arrow::field(to_string(column),
                                  arrow::list(arrow::field("element", element_type(column))),
                                  /*nullable=*/false));
  }
  return arrow::schema(std::move(fields));
}

Result<std::unique_ptr<TimelinePartWriter>> TimelinePartWriter::create(
    const std::string& path, const TimelinePartOptions& options) {
  return catch_parquet(path, [&]() -> Result<std::unique_ptr<TimelinePartWriter>> {
    auto sink = arrow::io::FileOutputStream::Open(path + ".tmp");
    ONEFOLD_RETURN_IF_ARROW_ERROR(sink.status(), path);
    auto writer = parquet::arrow::FileWriter::Open(
        *timeline_arrow_schema(), arrow::default_memory_pool(), *sink, writer_properties(options));
    ONEFOLD_RETURN_IF_ARROW_ERROR(writer.status(), path);
    return std::unique_ptr<TimelinePartWriter>(
        std::make_unique<TimelinePartWriterImpl>(path, options, std::move(*writer), *sink));
  });
}

}  // namespace onefold
