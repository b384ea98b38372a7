// SPDX-License-Identifier: Apache-2.0
#include "onefold/log/log_meta.h"

#include <algorithm>
#include <charconv>
#include <string_view>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "onefold/base/files.h"
#include "onefold/log/segment_writer.h"

namespace onefold {
namespace {

constexpr const char* kFormatName = "onefold-log";
constexpr std::string_view kSealedSuffix = ".arrow";

std::string meta_path(const std::string& directory) { return directory + "/" + kLogMetaName; }

Result<LogMeta> meta_from_json(const nlohmann::json& json) {
  LogMeta meta;
  try {
    if (json.at("format").get<std::string>() != kFormatName) {
      return schema_error("\"format\" is not \"onefold-log\"");
    }
    const int version = json.at("format_version").get<int>();
    if (version > kLogFormatVersion) {
      return unsupported(
          fmt::format("format version {} is newer than this build, which reads up "
                      "to version {}; update onefold",
                      version, kLogFormatVersion));
    }
    ONEFOLD_ASSIGN_OR_RETURN(meta.shard_by, parse_shard_by(json.at("shard_by").get<std::string>()));
    meta.num_shards = json.at("num_shards").get<int>();
    if (meta.num_shards < 1) return schema_error("\"num_shards\" is less than 1");
    ONEFOLD_ASSIGN_OR_RETURN(meta.schema, schema_from_json(json.at("schema")));
  } catch (const nlohmann::json::exception& error) {
    return schema_error(error.what());
  }
  return meta;
}

// "000012.arrow" or "000012.arrow.open" -> its number and whether it is open.
bool parse_segment_name(std::string_view name, SegmentFile* segment) {
  segment->open = name.ends_with(kOpenSuffix);
  if (segment->open) name.remove_suffix(std::string_view(kOpenSuffix).size());
  if (!name.ends_with(kSealedSuffix)) return false;
  name.remove_suffix(kSealedSuffix.size());
  const auto [end, error] = std::from_chars(name.begin(), name.end(), segment->number);
  return error == std::errc() && end == name.end() && segment->number >= 0;
}

}  // namespace

bool is_log(const std::string& directory) { return path_exists(meta_path(directory)); }

Result<LogMeta> read_log_meta(const std::string& directory) {
  if (!is_log(directory)) {
    return not_found(directory + ": no log here (no " + kLogMetaName +
                     "); write one with `onefold import` or `onefold synth`");
  }
  ONEFOLD_ASSIGN_OR_RETURN(const std::string bytes, read_file(meta_path(directory)));
  const auto json = nlohmann::json::parse(bytes, nullptr, /*allow_exceptions=*/false);
  if (json.is_discarded()) return data_loss(meta_path(directory) + ": not JSON");
  auto meta = meta_from_json(json);
  if (!meta.ok()) return meta.status().with_context(meta_path(directory));
  return meta;
}

Status write_log_meta(const std::string& directory, const LogMeta& meta) {
  const nlohmann::ordered_json json = {{"format", kFormatName},
                                       {"format_version", kLogFormatVersion},
                                       {"shard_by", to_string(meta.shard_by)},
                                       {"num_shards", meta.num_shards},
                                       {"schema", to_json(meta.schema)}};
  return write_file_atomic(meta_path(directory), json.dump(2) + "\n");
}

std::string SegmentFile::file() const { return open ? path + kOpenSuffix : path; }

std::string shard_directory(const std::string& log, const std::string& stream, int shard) {
  return fmt::format("{}/{}/shard-{:05}", log, stream, shard);
}

std::string segment_path(const std::string& shard_directory, int64_t number) {
  return fmt::format("{}/{:06}.arrow", shard_directory, number);
}

Result<std::vector<SegmentFile>> list_segments(const std::string& shard_directory) {
  std::vector<SegmentFile> segments;
  if (!path_exists(shard_directory)) return segments;
  ONEFOLD_ASSIGN_OR_RETURN(const auto names, list_files(shard_directory));
  for (const std::string& name : names) {
    SegmentFile segment;
    if (!parse_segment_name(name, &segment)) continue;
    segment.path = shard_directory + "/" + name;
    if (segment.open)
      segment.path.resize(segment.path.size() - std::string_view(kOpenSuffix).size());
    segments.push_back(std::move(segment));
  }
  std::sort(segments.begin(), segments.end(), [](const SegmentFile& a, const SegmentFile& b) {
    return std::pair(a.number, a.open) < std::pair(b.number, b.open);
  });
  return segments;
}

}  // namespace onefold
