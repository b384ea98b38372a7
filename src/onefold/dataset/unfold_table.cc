// SPDX-License-Identifier: Apache-2.0
#include "onefold/dataset/unfold_table.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/compute/api_vector.h>
#include <arrow/datum.h>
#include <arrow/table.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <parquet/metadata.h>

#include "onefold/base/files.h"
#include "onefold/base/hash.h"
#include "onefold/dataset/cut_lists.h"
#include "onefold/dataset/source_files.h"
#include "onefold/log/arrow_status.h"
#include "onefold/table/manifest.h"
#include "onefold/table/sample_refs.h"
#include "onefold/table/table_columns.h"

namespace onefold {
namespace {

// Taken at once, so that a list column's 32-bit offsets do not overflow when its rows multiply.
constexpr int64_t kRowsAtOnce = 16 << 10;

using Columns = std::map<std::string, std::shared_ptr<arrow::ChunkedArray>>;

Result<std::shared_ptr<arrow::ChunkedArray>> take(
    const std::shared_ptr<arrow::ChunkedArray>& values, const std::vector<int64_t>& rows,
    const std::string& where) {
  arrow::ArrayVector chunks;
  for (size_t begin = 0; begin < rows.size(); begin += kRowsAtOnce) {
    const size_t count = std::min<size_t>(kRowsAtOnce, rows.size() - begin);
    const auto indices = std::make_shared<arrow::Int64Array>(
        static_cast<int64_t>(count), arrow::Buffer::Wrap(rows.data() + begin, count));
    arrow::Datum taken;
    ONEFOLD_ASSIGN_OR_RETURN_ARROW(
        taken, arrow::compute::Take(values, std::static_pointer_cast<arrow::Array>(indices)),
        where);
    for (const auto& chunk : taken.chunked_array()->chunks()) chunks.push_back(chunk);
  }
  return std::make_shared<arrow::ChunkedArray>(std::move(chunks), values->type());
}

class PartUnfolder {
 public:
  PartUnfolder(std::string table, const Manifest& manifest, const TablePart& part)
      : table_(std::move(table)), manifest_(manifest), part_(part) {}

  Status open() {
    ONEFOLD_ASSIGN_OR_RETURN(samples_, open_listed(part_.samples));
    for (const GroupFile& group : part_.groups) {
      ONEFOLD_ASSIGN_OR_RETURN(auto payload, open_listed(group.file));
      payloads_.push_back(std::move(payload));
      next_refs_.push_back(group.first_ref);
    }
    ONEFOLD_ASSIGN_OR_RETURN(const auto source,
                             source_description(*samples_->schema(), samples_->path()));
    traits_ = source.traits;
    schema_ = source.schema ? source.schema : schema_in_place_of_refs();
    return {};
  }

  const std::shared_ptr<arrow::Schema>& schema() const { return schema_; }
  const SourceTraits& traits() const { return traits_; }

  Result<std::shared_ptr<arrow::Table>> next_row_group() {
    const int i = next_row_group_++;
    ONEFOLD_ASSIGN_OR_RETURN(const auto samples, samples_->read(i));
    Columns columns;
    for (int c = 0; c < samples->num_columns(); ++c) {
      columns[samples->field(c)->name()] = samples->column(c);
    }
    for (size_t g = 0; g < part_.groups.size(); ++g) {
      ONEFOLD_RETURN_IF_ERROR(add_group(g, i, *samples, columns));
    }
    std::vector<std::shared_ptr<arrow::ChunkedArray>> ordered;
    for (const auto& field : schema_->fields()) {
      const auto column = columns.find(field->name());
      if (column == columns.end() || !column->second->type()->Equals(*field->type())) {
        return schema_error(samples_->path() + ": column '" + field->name() + "' of type " +
                            field->type()->ToString() + " is neither here nor in a payload");
      }
      ordered.push_back(column->second);
    }
    return arrow::Table::Make(schema_, ordered, samples->num_rows());
  }

 private:
  // Checksums first: what comes out is somebody's data, and nobody looks at the table again.
  Result<std::unique_ptr<ArrowFile>> open_listed(const TableFile& listed) {
    const std::string path = table_ + "/" + listed.path;
    if (!path_exists(path)) return not_found(path + ": listed in the manifest, but missing");
    ONEFOLD_ASSIGN_OR_RETURN(const std::string xxh3, hash_file(path));
    if (!listed.xxh3.empty() && xxh3 != listed.xxh3) {
      return data_loss(path + ": its bytes have checksum " + xxh3 + ", but the manifest says " +
                       listed.xxh3 + "; restore the file");
    }
    ONEFOLD_ASSIGN_OR_RETURN(auto file, ArrowFile::open(path));
    if (file->row_group_rows() != listed.row_group_rows) {
      return data_loss(path + ": its row groups have other rows than the manifest says");
    }
    return file;
  }

  std::shared_ptr<arrow::Schema> schema_in_place_of_refs() const {
    arrow::FieldVector fields;
    for (const auto& field : samples_->schema()->fields()) {
      if (is_window_column(field->name())) continue;
      const auto at = std::find_if(
          part_.groups.begin(), part_.groups.end(),
          [&](const GroupFile& group) { return ref_column(group.group) == field->name(); });
      if (at == part_.groups.end()) {
        fields.push_back(field);
        continue;
      }
      const auto& payload = payloads_[static_cast<size_t>(at - part_.groups.begin())];
      for (const auto& column : payload->schema()->fields()) {
        if (column->name() != kRefColumn) fields.push_back(column);
      }
    }
    return arrow::schema(fields);
  }

  // Whether `name` is the start or length of a windowed group.
  bool is_window_column(const std::string& name) const {
    return std::any_of(part_.groups.begin(), part_.groups.end(), [&](const GroupFile& group) {
      return manifest_.is_windowed(group.group) &&
             (name == start_column(group.group) || name == length_column(group.group));
    });
  }

  Status add_group(size_t g, int row_group, const arrow::Table& samples, Columns& columns) {
    const std::string& group = part_.groups[g].group;
    const bool windowed = manifest_.is_windowed(group);
    ONEFOLD_ASSIGN_OR_RETURN(const auto payload, payloads_[g]->read(row_group));
    const auto refs = sample_refs(samples, group, windowed, *payload, next_refs_[g]);
    if (!refs.ok()) {
      return refs.status().with_context(
          fmt::format("{}: row group {}", samples_->path(), row_group));
    }
    next_refs_[g] += payload->num_rows();
    columns.erase(ref_column(group));
    for (int c = 0; c < payload->num_columns(); ++c) {
      const std::string& name = payload->field(c)->name();
      if (name == kRefColumn) continue;
      const auto field = schema_->GetFieldByName(name);
      const std::string where = payloads_[g]->path() + ": column '" + name + "'";
      if (windowed && field) {
        ONEFOLD_ASSIGN_OR_RETURN(columns[name],
                                 cut_lists(*payload->column(c), *refs, field->type(), where));
      } else {
        ONEFOLD_ASSIGN_OR_RETURN(columns[name], take(payload->column(c), refs->rows, where));
      }
    }
    return {};
  }

  const std::string table_;
  const Manifest& manifest_;
  const TablePart& part_;
  std::unique_ptr<ArrowFile> samples_;
  std::vector<std::unique_ptr<ArrowFile>> payloads_;  // [groups]
  std::vector<int64_t> next_refs_;                    // [groups] first of the next row group
  std::shared_ptr<arrow::Schema> schema_;             // of the unfolded file
  SourceTraits traits_;
  int next_row_group_ = 0;
};

// "dt=2023-05-18/part-00000.samples.parquet" -> "dt=2023-05-18/part-00000.parquet"
std::string unfolded_name(const TablePart& part) {
  if (!part.source.empty()) return part.source;
  std::string name = part.samples.path;
  const size_t at = name.rfind(".samples.parquet");
  if (at != std::string::npos) name.erase(at, std::string(".samples").size());
  return name;
}

Status check_destination(const std::string& directory) {
  std::error_code error;
  if (!path_exists(directory)) return {};
  if (std::filesystem::is_directory(directory, error) &&
      std::filesystem::is_empty(directory, error)) {
    return {};
  }
  return invalid_argument(directory +
                          " exists and is not an empty directory; it is left alone. "
                          "Remove it, or name another directory");
}

Status unfold_part(const std::string& table, const Manifest& manifest, const TablePart& part,
                   const std::string& path, const UnfoldOptions& options, UnfoldReport& report) {
  PartUnfolder unfolder(table, manifest, part);
  ONEFOLD_RETURN_IF_ERROR(unfolder.open());
  ONEFOLD_RETURN_IF_ERROR(make_directories(std::filesystem::path(path).parent_path().string()));
  ONEFOLD_ASSIGN_OR_RETURN(
      auto writer, ArrowFileWriter::create(path, *unfolder.schema(),
                                           unfolder.traits().file_options(options.zstd_level)));
  for (size_t i = 0; i < part.samples.row_group_rows.size(); ++i) {
    ONEFOLD_ASSIGN_OR_RETURN(const auto rows, unfolder.next_row_group());
    ONEFOLD_RETURN_IF_ERROR(writer->write_row_group(*rows));
    report.rows += rows->num_rows();
    if (options.progress) options.progress(report.rows, manifest.num_samples);
  }
  ONEFOLD_ASSIGN_OR_RETURN(const TableFile written, writer->close());
  ++report.files;
  report.unfolded_bytes += written.bytes;
  report.table_bytes += part.samples.bytes;
  for (const GroupFile& group : part.groups) report.table_bytes += group.file.bytes;
  return {};
}

}  // namespace

Result<UnfoldReport> unfold_table(const std::string& table, const std::string& destination,
                                  const UnfoldOptions& options) {
  ONEFOLD_ASSIGN_OR_RETURN(const Manifest manifest, read_manifest(table));
  if (manifest.layout == TableLayout::kPlain) {
    return invalid_argument(table + ": this table is plain; its files hold every row as it is");
  }
  ONEFOLD_RETURN_IF_ERROR(check_destination(destination));
  std::set<std::string> names;
  for (const TablePart& part : manifest.parts) {
    if (names.insert(unfolded_name(part)).second) continue;
    return schema_error(table + ": two parts would become the file " + unfolded_name(part));
  }
  ONEFOLD_ASSIGN_OR_RETURN(auto staging, StagingDirectory::create(destination));
  UnfoldReport report;
  for (const TablePart& part : manifest.parts) {
    ONEFOLD_RETURN_IF_ERROR(unfold_part(
        table, manifest, part, staging.path() + "/" + unfolded_name(part), options, report));
  }
  ONEFOLD_RETURN_IF_ERROR(staging.commit());
  return report;
}

nlohmann::json to_json(const UnfoldReport& report) {
  return {{"files", report.files},
          {"rows", report.rows},
          {"table_bytes", report.table_bytes},
          {"unfolded_bytes", report.unfolded_bytes}};
}

}  // namespace onefold
