// SPDX-License-Identifier: Apache-2.0
#include "onefold/table/manifest.h"

#include <algorithm>
#include <filesystem>
#include <limits>
#include <set>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "onefold/base/files.h"
#include "onefold/jagged/json_integer.h"
#include "onefold/table/manifest_checksum.h"

namespace onefold {
namespace {

using nlohmann::json;

constexpr const char* kFormatName = "onefold-table";

json file_to_json(const TableFile& file) {
  json entry = {{"path", file.path},
                {"num_rows", file.num_rows},
                {"bytes", file.bytes},
                {"row_group_rows", file.row_group_rows}};
  if (!file.xxh3.empty()) entry["xxh3"] = file.xxh3;
  return entry;
}

json sampling_to_json(const TableSampling& sampling) {
  return {{"session_rate", sampling.session_rate},
          {"negative_rate", sampling.negative_rate},
          {"seed", sampling.seed},
          {"negatives", sampling.negatives},
          {"kept_negatives", sampling.kept_negatives}};
}

TableSampling sampling_from_json(const json& entry) {
  return {.session_rate = entry.at("session_rate").get<double>(),
          .negative_rate = entry.at("negative_rate").get<double>(),
          .seed = entry.at("seed").get<uint64_t>(),
          .negatives = entry.at("negatives").get<int64_t>(),
          .kept_negatives = entry.at("kept_negatives").get<int64_t>()};
}

json part_to_json(const TablePart& part) {
  json groups = json::array();
  for (const GroupFile& group : part.groups) {
    json entry = file_to_json(group.file);
    entry["group"] = group.group;
    entry["first_ref"] = group.first_ref;
    groups.push_back(std::move(entry));
  }
  json root = {{"partition", part.partition},
               {"samples", file_to_json(part.samples)},
               {"groups", std::move(groups)}};
  if (!part.source.empty()) root["source"] = part.source;
  return root;
}

// A manifest may come from anywhere: its paths must not lead out of the table.
Status check_path(const std::string& path) {
  const std::filesystem::path parts(path);
  bool inside = !path.empty() && parts.is_relative();
  for (const auto& part : parts) inside = inside && part != "..";
  if (inside) return {};
  return schema_error("file path '" + path + "' does not stay inside the table");
}

Result<TableFile> file_from_json(const json& entry) {
  TableFile file;
  file.path = entry.at("path").get<std::string>();
  file.num_rows = int64_at(entry, "num_rows");
  file.bytes = int64_at(entry, "bytes");
  file.xxh3 = entry.value("xxh3", "");
  ONEFOLD_RETURN_IF_ERROR(check_path(file.path));
  int64_t sum = 0;
  for (const json& value : entry.at("row_group_rows")) {
    const int64_t rows = to_int64(value).value_or(-1);
    if (rows < 0 || rows > std::numeric_limits<int32_t>::max()) {
      return schema_error(fmt::format("{}: a row group of {} rows; 0 to 2^31 - 1 are possible",
                                      file.path, value.dump()));
    }
    file.row_group_rows.push_back(rows);
    sum += rows;
  }
  if (sum != file.num_rows) {
    return schema_error(fmt::format("{}: its row groups have {} rows in total, but num_rows is {}",
                                    file.path, sum, file.num_rows));
  }
  return file;
}

Result<TablePart> part_from_json(const json& entry) {
  TablePart part;
  part.partition = entry.at("partition").get<std::string>();
  ONEFOLD_ASSIGN_OR_RETURN(part.samples, file_from_json(entry.at("samples")));
  for (const json& group_entry : entry.at("groups")) {
    GroupFile group;
    group.group = group_entry.at("group").get<std::string>();
    group.first_ref = int64_at(group_entry, "first_ref", std::numeric_limits<int64_t>::min());
    ONEFOLD_ASSIGN_OR_RETURN(group.file, file_from_json(group_entry));
    part.groups.push_back(std::move(group));
  }
  part.source = entry.value("source", "");
  if (!part.source.empty()) ONEFOLD_RETURN_IF_ERROR(check_path(part.source));
  return part;
}

// What binds the files of a part together: the groups of the table, in its order, and as many
// row groups in every payload as in the samples.
Status check_part(const TablePart& part, const std::vector<std::string>& groups) {
  const std::string& path = part.samples.path;
  if (part.groups.size() != groups.size()) {
    return schema_error(fmt::format("{}: {} payload files, but the table has {} groups", path,
                                    part.groups.size(), groups.size()));
  }
  for (size_t g = 0; g < groups.size(); ++g) {
    const GroupFile& group = part.groups[g];
    if (group.group != groups[g]) {
      return schema_error(fmt::format("{}: payload {} is of group '{}', expected '{}'", path, g,
                                      group.group, groups[g]));
    }
    int64_t end_ref = 0;
    if (__builtin_add_overflow(group.first_ref, group.file.num_rows, &end_ref)) {
      return schema_error(
          fmt::format("{}: refs from {} on leave 64 bits", group.file.path, group.first_ref));
    }
    if (group.file.row_group_rows.size() != part.samples.row_group_rows.size()) {
      return schema_error(fmt::format("{}: {} row groups, but {} has {}; they must be aligned",
                                      group.file.path, group.file.row_group_rows.size(), path,
                                      part.samples.row_group_rows.size()));
    }
  }
  return {};
}

// Windowed groups are groups, and the schema says the same of those that it names.
Status check_windowed_groups(const SourceColumns& source, const Schema& schema) {
  std::set<std::string> groups(source.groups.begin(), source.groups.end());
  for (const std::string& group : source.windowed_groups) {
    if (groups.erase(group) > 0) continue;
    return schema_error("source: windowed group '" + group + "' is no group, or named twice");
  }
  for (const std::string& group : schema.groups()) {
    // What is left are the exact ones.
    if (schema.is_windowed(group) == !groups.contains(group)) continue;
    return schema_error("group '" + group + "' is windowed in source or in schema, not in both");
  }
  return {};
}

SourceColumns source_from_json(const json& entry) {
  SourceColumns source;
  source.groups = entry.at("groups").get<std::vector<std::string>>();
  for (const json& column : entry.at("columns")) {
    source.columns.push_back({.name = column.at("name").get<std::string>(),
                              .type = column.at("type").get<std::string>(),
                              .group = column.at("group").get<std::string>()});
  }
  source.session = entry.at("session").get<std::string>();
  source.missing_keys = entry.at("missing_keys").get<std::vector<std::string>>();
  source.windowed_groups = entry.value("windowed_groups", std::vector<std::string>{});
  return source;
}

json source_to_json(const SourceColumns& source) {
  json columns = json::array();
  for (const SourceColumn& column : source.columns) {
    columns.push_back({{"name", column.name}, {"type", column.type}, {"group", column.group}});
  }
  json entry = {{"groups", source.groups},
                {"columns", std::move(columns)},
                {"session", source.session},
                {"missing_keys", source.missing_keys}};
  if (!source.windowed_groups.empty()) entry["windowed_groups"] = source.windowed_groups;
  return entry;
}

Result<JoinedEmbedding> embedding_from_json(const json& entry) {
  const int64_t tokens = int64_at(entry, "tokens");
  const int64_t dim = int64_at(entry, "dim");
  constexpr int64_t kMost = std::numeric_limits<int32_t>::max();
  if (tokens > kMost || dim > kMost) {
    return schema_error(fmt::format("an embedding of {} tokens x {}", tokens, dim));
  }
  return JoinedEmbedding{.version = entry.at("version").get<std::string>(),
                         .model = entry.at("model").get<std::string>(),
                         .slices = entry.at("slices").get<std::string>(),
                         .format = entry.at("format").get<std::string>(),
                         .tokens = static_cast<int32_t>(tokens),
                         .dim = static_cast<int32_t>(dim)};
}

Result<int> checked_version(const json& root) {
  if (!root.is_object() || root.value("format", "") != kFormatName) {
    return schema_error(std::string("not a table manifest: \"format\" is not \"") + kFormatName +
                        "\"");
  }
  const int64_t version = int64_at(root, "format_version");
  if (version > kTableFormatVersion) {
    return unsupported(fmt::format(
        "the table has format version {}, this build reads version {}; use a newer onefold",
        version, kTableFormatVersion));
  }
  if (version < 1) return schema_error(fmt::format("format version {} does not exist", version));
  return static_cast<int>(version);
}

Result<Manifest> parse(const json& root) {
  Manifest manifest;
  ONEFOLD_ASSIGN_OR_RETURN(manifest.format_version, checked_version(root));
  auto layout = parse_table_layout(root.at("layout").get<std::string>());
  if (!layout.ok()) return schema_error(layout.status().message());
  manifest.layout = *layout;
  ONEFOLD_ASSIGN_OR_RETURN(manifest.schema, schema_from_json(root.at("schema")));
  manifest.num_samples = int64_at(root, "num_samples");
  manifest.num_sessions = int64_at(root, "num_sessions");
  if (root.contains("source")) {
    manifest.source = source_from_json(root.at("source"));
    ONEFOLD_RETURN_IF_ERROR(check_windowed_groups(*manifest.source, manifest.schema));
  }
  const bool folded = manifest.layout == TableLayout::kFolded;
  const std::vector<std::string> groups = folded ? manifest.groups() : std::vector<std::string>{};
  int64_t num_samples = 0;
  for (const json& entry : root.at("parts")) {
    ONEFOLD_ASSIGN_OR_RETURN(TablePart part, part_from_json(entry));
    ONEFOLD_RETURN_IF_ERROR(check_part(part, groups));
    num_samples += part.samples.num_rows;
    manifest.parts.push_back(std::move(part));
  }
  if (num_samples != manifest.num_samples) {
    return schema_error(fmt::format("the parts have {} samples in total, but num_samples is {}",
                                    num_samples, manifest.num_samples));
  }
  for (const json& entry : root.at("group_stats")) {
    manifest.group_stats.push_back(
        {.group = entry.at("group").get<std::string>(),
         .samples = int64_at(entry, "samples"),
         .unique = int64_at(entry, "unique"),
         .sample_values = int64_at(entry, "sample_values"),
         .unique_values = int64_at(entry, "unique_values"),
         .windows = entry.contains("windows") ? int64_at(entry, "windows") : 0});
  }
  // Optional: not every writer of tables has seen the events.
  for (const json& entry : root.value("label_events", json::array())) {
    const int64_t events = int64_at(entry, "events");
    manifest.label_events.push_back({entry.at("label").get<std::string>(), events});
  }
  if (root.contains("sampling")) manifest.sampling = sampling_from_json(root.at("sampling"));
  for (const json& entry : root.value("embeddings", json::array())) {
    ONEFOLD_ASSIGN_OR_RETURN(JoinedEmbedding joined, embedding_from_json(entry));
    manifest.embeddings.push_back(std::move(joined));
  }
  return manifest;
}

bool has_windows(const Manifest& manifest) {
  return !manifest.schema.windowed_groups.empty() ||
         (manifest.source && !manifest.source->windowed_groups.empty());
}

json embeddings_to_json(const std::vector<JoinedEmbedding>& embeddings) {
  json versions = json::array();
  for (const JoinedEmbedding& joined : embeddings) {
    versions.push_back({{"version", joined.version},
                        {"model", joined.model},
                        {"slices", joined.slices},
                        {"format", joined.format},
                        {"tokens", joined.tokens},
                        {"dim", joined.dim}});
  }
  return versions;
}

}  // namespace

std::vector<std::string> Manifest::groups() const {
  return source ? source->groups : schema.groups();
}

bool Manifest::is_windowed(const std::string& group) const {
  if (!source) return schema.is_windowed(group);
  const auto& names = source->windowed_groups;
  return std::find(names.begin(), names.end(), group) != names.end();
}

Result<TableLayout> parse_table_layout(const std::string& name) {
  if (name == "plain") return TableLayout::kPlain;
  if (name == "folded") return TableLayout::kFolded;
  return invalid_argument("unknown table layout '" + name + "': expected plain or folded");
}

const char* to_string(TableLayout layout) {
  return layout == TableLayout::kPlain ? "plain" : "folded";
}

nlohmann::json to_json(const Manifest& manifest) {
  json parts = json::array();
  for (const TablePart& part : manifest.parts) parts.push_back(part_to_json(part));
  json group_stats = json::array();
  for (const GroupStats& stats : manifest.group_stats) {
    group_stats.push_back({{"group", stats.group},
                           {"samples", stats.samples},
                           {"unique", stats.unique},
                           {"sample_values", stats.sample_values},
                           {"unique_values", stats.unique_values}});
    if (stats.windows > 0) group_stats.back()["windows"] = stats.windows;
  }
  json label_events = json::array();
  for (const LabelEvents& label : manifest.label_events) {
    label_events.push_back({{"label", label.label}, {"events", label.events}});
  }
  json root = {{"format", kFormatName},
               {"format_version", has_windows(manifest) ? 2 : 1},
               {"layout", to_string(manifest.layout)},
               {"schema", to_json(manifest.schema)},
               {"num_samples", manifest.num_samples},
               {"num_sessions", manifest.num_sessions},
               {"parts", std::move(parts)},
               {"group_stats", std::move(group_stats)},
               {"label_events", std::move(label_events)}};
  if (manifest.sampling) root["sampling"] = sampling_to_json(*manifest.sampling);
  if (!manifest.embeddings.empty()) root["embeddings"] = embeddings_to_json(manifest.embeddings);
  if (manifest.source) root["source"] = source_to_json(*manifest.source);
  return root;
}

Result<Manifest> manifest_from_json(const nlohmann::json& root) {
  try {
    return parse(root);
  } catch (const json::exception& error) {
    return schema_error(std::string("manifest: ") + error.what());
  }
}

// A newer version is refused before anything else is looked at; then damage.
Result<Manifest> manifest_from_bytes(const std::string& bytes) {
  const json root = json::parse(bytes, nullptr, /*allow_exceptions=*/false);
  if (root.is_discarded()) return data_loss("not JSON; the manifest is damaged");
  auto manifest = manifest_from_json(root);
  if (!manifest.ok() && manifest.status().code() == StatusCode::kUnsupported) return manifest;
  ONEFOLD_RETURN_IF_ERROR(check_manifest_bytes(bytes, root));
  return manifest;
}

Result<Manifest> read_manifest(const std::string& table) {
  const std::string path = table + "/" + kManifestName;
  if (!path_exists(path)) {
    return not_found(table + ": no " + kManifestName +
                     " here: not a table, or a build that did not finish; run onefold build again");
  }
  ONEFOLD_ASSIGN_OR_RETURN(const std::string bytes, read_file(path));
  auto manifest = manifest_from_bytes(bytes);
  if (!manifest.ok()) return manifest.status().with_context(path);
  return manifest;
}

Status write_manifest(const std::string& table, const Manifest& manifest) {
  return write_file_atomic(table + "/" + kManifestName, manifest_bytes(to_json(manifest)));
}

}  // namespace onefold
