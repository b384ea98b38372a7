// SPDX-License-Identifier: Apache-2.0
#include "onefold/table/table_summary.h"

#include <algorithm>

#include <arrow/type.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>
#include <parquet/metadata.h>
#include <parquet/schema.h>

#include "onefold/table/arrow_file.h"
#include "onefold/table/parquet_errors.h"

namespace onefold {
namespace {

using nlohmann::json;

ColumnSummary& column_of(std::vector<ColumnSummary>& columns, const std::string& file,
                         const std::string& name, const arrow::Schema& schema) {
  const auto at = std::find_if(columns.begin(), columns.end(), [&](const ColumnSummary& column) {
    return column.file == file && column.name == name;
  });
  if (at != columns.end()) return *at;
  const auto field = schema.GetFieldByName(name);
  return columns.emplace_back(ColumnSummary{file, name, field ? field->type()->ToString() : ""});
}

Status add_file(const std::string& path, const std::string& kind,
                std::vector<ColumnSummary>& columns) {
  ONEFOLD_ASSIGN_OR_RETURN(const auto file, ArrowFile::open(path));
  return catch_parquet(path, [&]() -> Status {
    const parquet::FileMetaData& metadata = file->metadata();
    for (int c = 0; c < metadata.num_columns(); ++c) {
      const std::string& name = metadata.schema()->GetColumnRoot(c)->name();
      ColumnSummary& column = column_of(columns, kind, name, *file->schema());
      for (int r = 0; r < metadata.num_row_groups(); ++r) {
        const auto chunk = metadata.RowGroup(r)->ColumnChunk(c);
        column.bytes += chunk->total_compressed_size();
        column.uncompressed_bytes += chunk->total_uncompressed_size();
      }
    }
    return {};
  });
}

void add_partition(const TablePart& part, std::vector<PartitionSummary>& partitions) {
  if (partitions.empty() || partitions.back().partition != part.partition) {
    partitions.push_back({.partition = part.partition});
  }
  PartitionSummary& partition = partitions.back();
  ++partition.parts;
  partition.row_groups += static_cast<int64_t>(part.samples.row_group_rows.size());
  partition.samples += part.samples.num_rows;
  partition.bytes += part.samples.bytes;
  for (const GroupFile& group : part.groups) partition.bytes += group.file.bytes;
}

int64_t total_bytes(const TableSummary& summary) {
  int64_t bytes = 0;
  for (const PartitionSummary& partition : summary.partitions) bytes += partition.bytes;
  return bytes;
}

// What training knows a column as: "id_list of user", "label click", "".
std::string role_of(const Schema& schema, const std::string& name) {
  if (const FeatureSpec* feature = schema.find(name)) {
    return fmt::format("{} ({})", to_string(feature->kind), to_string(feature->scope));
  }
  for (const LabelSpec& label : schema.labels) {
    if (label.name == name) return "label";
  }
  return "";
}

}  // namespace

Result<TableSummary> summarize_table(const std::string& table) {
  TableSummary summary{.table = table};
  ONEFOLD_ASSIGN_OR_RETURN(summary.manifest, read_manifest(table));
  for (const TablePart& part : summary.manifest.parts) {
    add_partition(part, summary.partitions);
    ONEFOLD_RETURN_IF_ERROR(add_file(table + "/" + part.samples.path, "samples", summary.columns));
    for (const GroupFile& group : part.groups) {
      ONEFOLD_RETURN_IF_ERROR(
          add_file(table + "/" + group.file.path, group.group, summary.columns));
    }
  }
  return summary;
}

nlohmann::json to_json(const TableSummary& summary) {
  const json manifest = to_json(summary.manifest);
  json columns = json::array(), partitions = json::array();
  for (const ColumnSummary& column : summary.columns) {
    columns.push_back({{"file", column.file},
                       {"name", column.name},
                       {"type", column.type},
                       {"bytes", column.bytes},
                       {"uncompressed_bytes", column.uncompressed_bytes}});
  }
  for (const PartitionSummary& partition : summary.partitions) {
    partitions.push_back({{"partition", partition.partition},
                          {"parts", partition.parts},
                          {"row_groups", partition.row_groups},
                          {"samples", partition.samples},
                          {"bytes", partition.bytes}});
  }
  json root = {{"table", summary.table},
               {"bytes", total_bytes(summary)},
               {"columns", std::move(columns)},
               {"partitions", std::move(partitions)}};
  for (const char* key : {"format_version", "layout", "schema", "num_samples", "num_sessions",
                          "group_stats", "label_events", "embeddings", "source"}) {
    if (manifest.contains(key)) root[key] = manifest.at(key);
  }
  return root;
}

std::string to_text(const TableSummary& summary) {
  const Manifest& manifest = summary.manifest;
  std::string text = fmt::format(
      "{}: {}, format version {}\n{} samples, {} sessions, {} parts, {} bytes\n", summary.table,
      to_string(manifest.layout), manifest.format_version, manifest.num_samples,
      manifest.num_sessions, manifest.parts.size(), total_bytes(summary));
  if (manifest.source) {
    text += "folded from Parquet files as they were (onefold unfold gives them back)\n";
    if (!manifest.source->missing_keys.empty()) {
      text += fmt::format("not for training: no {} of the types that training needs\n",
                          fmt::join(manifest.source->missing_keys, ", "));
    }
  }
  for (const GroupStats& stats : manifest.group_stats) {
    const double factor =
        stats.unique == 0 ? 0.0
                          : static_cast<double>(stats.samples) / static_cast<double>(stats.unique);
    text +=
        fmt::format("group {}: {} samples -> {} rows ({:.1f}x), {} values -> {}\n", stats.group,
                    stats.samples, stats.unique, factor, stats.sample_values, stats.unique_values);
    if (stats.windows > 0)
      text += fmt::format("  {} different windows on these rows\n", stats.windows);
  }
  text += fmt::format("\n{:<12} {:<28} {:<28} {:<18} {:>14} {:>14}\n", "file", "column", "type",
                      "feature", "bytes", "uncompressed");
  for (const ColumnSummary& column : summary.columns) {
    text += fmt::format("{:<12} {:<28} {:<28} {:<18} {:>14} {:>14}\n", column.file, column.name,
                        column.type, role_of(manifest.schema, column.name), column.bytes,
                        column.uncompressed_bytes);
  }
  text += fmt::format("\n{:<28} {:>6} {:>10} {:>12} {:>14}\n", "partition", "parts", "row groups",
                      "samples", "bytes");
  for (const PartitionSummary& partition : summary.partitions) {
    text += fmt::format("{:<28} {:>6} {:>10} {:>12} {:>14}\n",
                        partition.partition.empty() ? "(none)" : partition.partition,
                        partition.parts, partition.row_groups, partition.samples, partition.bytes);
  }
  return text;
}

}  // namespace onefold
