// SPDX-License-Identifier: Apache-2.0
#include "onefold/log/long_term_events.h"

#include <chrono>
#include <cmath>
#include <filesystem>

#include <arrow/builder.h>
#include <arrow/io/file.h>
#include <arrow/table.h>
#include <fmt/format.h>
#include <parquet/arrow/writer.h>

#include "onefold/log/arrow_columns.h"
#include "onefold/log/arrow_status.h"

namespace onefold {
namespace {

constexpr const char* kMappingName = "mapping.toml";
constexpr const char* kMapping = R"(# Written by onefold synth.
[columns]
user       = "user_id"
item       = "item_id"
author     = "author_id"
topic      = "topic_id"
time       = "time"
surface    = "surface"
media_type = "media_type"
duration   = "duration"
watch_time = "watch_time"

[action]
column = "action"

[timelines]
explicit = ["like", "comment", "share", "save", "follow", "profile_visit", "not_interested"]
implicit = ["impression"]
)";

bool may_replace(const std::string& directory) {
  if (!path_exists(directory)) return true;
  std::error_code error;
  if (std::filesystem::is_directory(directory, error) &&
      std::filesystem::is_empty(directory, error))
    return true;
  const Result<std::string> mapping = read_file(directory + "/" + kMappingName);
  return mapping.ok() && *mapping == kMapping;
}

std::string file_name(int64_t day) {
  using namespace std::chrono;
  const year_month_day date(sys_days(days(kLongTermStartUs / kLongTermDayUs + day)));
  return fmt::format("{:04}-{:02}-{:02}.parquet", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
}

template <typename T, typename Get>
std::vector<T> column(const std::vector<LongTermEvent>& events, const Get& get) {
  std::vector<T> values;
  values.reserve(events.size());
  for (const LongTermEvent& event : events) values.push_back(get(event));
  return values;
}

// NaN becomes NULL.
arrow::Result<ArrayPtr> nullable_floats(const std::vector<LongTermEvent>& events) {
  arrow::FloatBuilder builder;
  ARROW_RETURN_NOT_OK(builder.Reserve(static_cast<int64_t>(events.size())));
  for (const LongTermEvent& event : events) {
    if (std::isnan(event.watch_seconds)) {
      builder.UnsafeAppendNull();
    } else {
      builder.UnsafeAppend(event.watch_seconds);
    }
  }
  return builder.Finish();
}

arrow::Status write_parquet(const std::string& path, const std::vector<LongTermEvent>& events,
                            const LongTermCatalog& catalog) {
  using Event = LongTermEvent;
  const auto ids = [&](const auto& get) { return column<int64_t>(events, get); };
  const auto names = [&](const auto& get) { return column<std::string>(events, get); };
  const auto users = ids([](const Event& e) { return e.user; });
  const auto items = ids([](const Event& e) { return e.item; });
  const auto authors = ids([&](const Event& e) { return catalog.author(e.item); });
  const auto topics = ids([&](const Event& e) { return catalog.topic(e.item); });
  const auto times = ids([](const Event& e) { return e.time_us; });
  const auto actions =
      names([](const Event& e) { return kLongTermActions[static_cast<size_t>(e.action)]; });
  const auto surfaces = names([](const Event& e) { return kLongTermSurfaces[e.surface]; });
  const auto media = names([&](const Event& e) { return catalog.media_type(e.item); });
  const auto durations =
      column<float>(events, [&](const Event& e) { return catalog.duration_seconds(e.item); });
  ARROW_ASSIGN_OR_RAISE(const ArrayPtr watch, nullable_floats(events));
  const auto schema = arrow::schema(
      {arrow::field("user_id", arrow::int64()), arrow::field("item_id", arrow::int64()),
       arrow::field("author_id", arrow::int64()), arrow::field("topic_id", arrow::int64()),
       arrow::field("time", time_type()), arrow::field("action", arrow::utf8()),
       arrow::field("surface", arrow::utf8()), arrow::field("media_type", arrow::utf8()),
       arrow::field("duration", arrow::float32()), arrow::field("watch_time", arrow::float32())});
  const auto table = arrow::Table::Make(
      schema, {int64_array(users), int64_array(items), int64_array(authors), int64_array(topics),
               time_array(times), string_array(actions), string_array(surfaces),
               string_array(media), float_array(durations), watch});
  ARROW_ASSIGN_OR_RAISE(const auto file, arrow::io::FileOutputStream::Open(path));
  const auto properties =
      parquet::WriterProperties::Builder().compression(parquet::Compression::ZSTD)->build();
  ARROW_RETURN_NOT_OK(
      parquet::arrow::WriteTable(*table, arrow::default_memory_pool(), file, 1 << 18, properties));
  return file->Close();
}

}  // namespace

Result<LongTermEvents> LongTermEvents::create(const std::string& directory) {
  if (!may_replace(directory)) {
    return invalid_argument(directory +
                            ": exists and holds no events of onefold synth; remove it or choose "
                            "another name");
  }
  ONEFOLD_ASSIGN_OR_RETURN(auto staging, StagingDirectory::create(directory));
  ONEFOLD_RETURN_IF_ERROR(write_file_atomic(staging.path() + "/" + kMappingName, kMapping));
  return LongTermEvents(std::move(staging));
}

Status LongTermEvents::write_day(int64_t day, const std::vector<LongTermEvent>& events,
                                 const LongTermCatalog& catalog) {
  const std::string path = staging_.path() + "/" + file_name(day);
  ONEFOLD_RETURN_IF_ARROW_ERROR(write_parquet(path, events, catalog), path);
  return {};
}

Status LongTermEvents::commit() { return staging_.commit(); }

}  // namespace onefold
