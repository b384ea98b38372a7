// SPDX-License-Identifier: Apache-2.0
#include "onefold/dataset/source_files.h"

#include <filesystem>
#include <set>

#include <arrow/buffer.h>
#include <arrow/io/memory.h>
#include <arrow/ipc/dictionary.h>
#include <arrow/ipc/reader.h>
#include <arrow/ipc/writer.h>
#include <arrow/type.h>
#include <arrow/util/base64.h>
#include <arrow/util/key_value_metadata.h>
#include <fmt/format.h>
#include <parquet/metadata.h>
#include <parquet/schema.h>

#include "onefold/base/files.h"
#include "onefold/base/set_aside.h"
#include "onefold/log/arrow_status.h"
#include "onefold/table/manifest.h"

namespace onefold {
namespace {

constexpr const char* kSchemaKey = "onefold.source_schema";
constexpr const char* kInt96Key = "onefold.source_int96";
constexpr const char* kTimeKey = "onefold.source_time_utc";

Status check_columns(const std::string& path, const arrow::Schema& schema,
                     const std::string& first_path, const arrow::Schema& first) {
  std::set<std::string> names;
  for (const auto& field : schema.fields()) {
    if (names.insert(field->name()).second) continue;
    return schema_error(path + ": two columns are named '" + field->name() + "'");
  }
  if (schema.num_fields() == 0) return schema_error(path + ": has no columns");
  for (int i = 0; i < std::max(schema.num_fields(), first.num_fields()); ++i) {
    const auto describe = [i](const arrow::Schema& of) {
      if (i >= of.num_fields()) return std::string("no column");
      return "'" + of.field(i)->name() + "' of type " + of.field(i)->type()->ToString();
    };
    if (describe(schema) == describe(first)) continue;
    return schema_error(
        fmt::format("{}: column {} is {}, but in {} it is {}; fold files of "
                    "different columns one by one",
                    path, i, describe(schema), first_path, describe(first)));
  }
  return {};
}

Result<std::vector<std::string>> parquet_names(const std::string& root) {
  ONEFOLD_ASSIGN_OR_RETURN(const std::vector<std::string> names, list_files(root));
  std::vector<std::string> files;
  for (const std::string& name : names) {
    if (std::filesystem::path(name).filename() == kManifestName) {
      return invalid_argument(root + "/" + name +
                              ": this is a table already; onefold unfold gives "
                              "back the files it was folded from");
    }
    if (name.ends_with(".parquet") && !is_set_aside(name)) files.push_back(name);
  }
  if (files.empty()) return not_found(root + ": no *.parquet file in this directory");
  return files;
}

}  // namespace

Result<SourceFiles> find_source_files(const std::string& source) {
  namespace fs = std::filesystem;
  if (!path_exists(source)) return not_found(source + ": no such file or directory");
  SourceFiles found;
  if (fs::is_directory(source)) {
    found.root = source;
    ONEFOLD_ASSIGN_OR_RETURN(found.files, parquet_names(source));
  } else {
    const fs::path path(source);
    found.root = path.has_parent_path() ? path.parent_path().string() : ".";
    found.files = {path.filename().string()};
  }
  std::shared_ptr<arrow::Schema> first;
  for (size_t i = 0; i < found.files.size(); ++i) {
    ONEFOLD_ASSIGN_OR_RETURN(const auto file, ArrowFile::open(found.path(i)));
    if (!first) first = file->schema();
    ONEFOLD_RETURN_IF_ERROR(check_columns(file->path(), *file->schema(), found.path(0), *first));
    ONEFOLD_RETURN_IF_ERROR(
        check_types_survive(*file, source_traits(*file).file_options(/*zstd_level=*/1)));
    found.num_rows += file->metadata().num_rows();
    ONEFOLD_ASSIGN_OR_RETURN(const uint64_t bytes, file_size(file->path()));
    found.bytes += static_cast<int64_t>(bytes);
  }
  return found;
}

SourceTraits source_traits(const ArrowFile& file) {
  SourceTraits traits;
  const parquet::SchemaDescriptor& schema = *file.metadata().schema();
  for (int i = 0; i < schema.num_columns(); ++i) {
    const parquet::ColumnDescriptor& column = *schema.Column(i);
    traits.int96_timestamps |= column.physical_type() == parquet::Type::INT96;
    const auto& type = column.logical_type();
    traits.time_adjusted_utc |=
        type->is_time() && static_cast<const parquet::TimeLogicalType&>(*type).is_adjusted_to_utc();
  }
  return traits;
}

std::shared_ptr<const arrow::KeyValueMetadata> describe_source(const arrow::Schema& schema,
                                                               const SourceTraits& traits) {
  const auto bytes = arrow::ipc::SerializeSchema(schema).ValueOrDie();
  return arrow::key_value_metadata(
      {kSchemaKey, kInt96Key, kTimeKey},
      {arrow::util::base64_encode(std::string_view(*bytes)), traits.int96_timestamps ? "1" : "0",
       traits.time_adjusted_utc ? "1" : "0"});
}

Result<SourceDescription> source_description(const arrow::Schema& samples,
                                             const std::string& path) {
  SourceDescription description;
  const auto& metadata = samples.metadata();
  if (!metadata || !metadata->Contains(kSchemaKey)) return description;
  std::string bytes;
  ONEFOLD_ASSIGN_OR_RETURN_ARROW(
      bytes, arrow::util::base64_decode(metadata->Get(kSchemaKey).ValueOr("")), path);
  arrow::io::BufferReader stream(arrow::Buffer::FromString(std::move(bytes)));
  arrow::ipc::DictionaryMemo memo;
  ONEFOLD_ASSIGN_OR_RETURN_ARROW(description.schema, arrow::ipc::ReadSchema(&stream, &memo), path);
  description.traits.int96_timestamps = metadata->Get(kInt96Key).ValueOr("0") == "1";
  description.traits.time_adjusted_utc = metadata->Get(kTimeKey).ValueOr("0") == "1";
  return description;
}

}  // namespace onefold
