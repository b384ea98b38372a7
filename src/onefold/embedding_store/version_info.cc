// SPDX-License-Identifier: Apache-2.0
#include "onefold/embedding_store/version_info.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "onefold/base/files.h"

namespace onefold {
namespace {

using nlohmann::json;

json to_json(const VersionFile& file) {
  return {{"path", file.path},
          {"num_users", file.num_users},
          {"bytes", file.bytes},
          {"xxh3", file.xxh3},
          {"row_group_rows", file.row_group_rows},
          {"row_group_first", file.row_group_first},
          {"last_user", file.last_user}};
}

Result<VersionFile> file_from_json(const json& entry) {
  VersionFile file;
  file.path = entry.at("path").get<std::string>();
  file.num_users = entry.at("num_users").get<int64_t>();
  file.bytes = entry.at("bytes").get<int64_t>();
  file.xxh3 = entry.at("xxh3").get<std::string>();
  file.row_group_rows = entry.at("row_group_rows").get<std::vector<int64_t>>();
  file.row_group_first = entry.at("row_group_first").get<std::vector<int64_t>>();
  file.last_user = entry.at("last_user").get<int64_t>();
  if (file.path.empty() || file.path.find('/') != std::string::npos) {
    return schema_error("file path '" + file.path + "' is not a plain file name");
  }
  if (file.row_group_rows.size() != file.row_group_first.size()) {
    return schema_error(file.path + ": row_group_rows and row_group_first differ in length");
  }
  return file;
}

}  // namespace

int64_t VersionInfo::num_users() const {
  int64_t users = 0;
  for (const VersionFile& file : files) users += file.num_users;
  return users;
}

json to_json(const VersionInfo& info) {
  json files = json::array();
  for (const VersionFile& file : info.files) files.push_back(to_json(file));
  return {{"format", "onefold-embeddings"},
          {"format_version", kEmbeddingFormatVersion},
          {"id", info.id},
          {"base", info.base},
          {"embedding_format", to_string(info.format)},
          {"tokens", info.shape.tokens},
          {"dim", info.shape.dim},
          {"slices", info.slices},
          {"model", info.model},
          {"timelines", {{"id", info.timelines_id}, {"generation", info.timelines_generation}}},
          {"as_of_us", info.as_of_us},
          {"created_us", info.created_us},
          {"quantization_rmse", info.quantization_rmse},
          {"files", std::move(files)}};
}

Result<VersionInfo> version_info_from_json(const json& entry) {
  try {
    const int format_version = entry.at("format_version").get<int>();
    if (format_version > kEmbeddingFormatVersion) {
      return unsupported(
          fmt::format("embedding format version {} is newer than {}, the newest this "
                      "build reads; use a newer onefold",
                      format_version, kEmbeddingFormatVersion));
    }
    VersionInfo info;
    info.id = entry.at("id").get<std::string>();
    info.base = entry.at("base").get<std::string>();
    if (!info.base.empty() && info.base >= info.id) {
      return schema_error("base '" + info.base + "' is not older than '" + info.id + "'");
    }
    ONEFOLD_ASSIGN_OR_RETURN(
        info.format, parse_embedding_format(entry.at("embedding_format").get<std::string>()));
    info.shape = {entry.at("tokens").get<int32_t>(), entry.at("dim").get<int32_t>()};
    if (info.shape.tokens <= 0 || info.shape.dim <= 0)
      return schema_error("tokens and dim must be positive");
    info.slices = entry.at("slices").get<std::string>();
    info.model = entry.at("model").get<std::string>();
    info.timelines_id = entry.at("timelines").at("id").get<std::string>();
    info.timelines_generation = entry.at("timelines").at("generation").get<int64_t>();
    info.as_of_us = entry.at("as_of_us").get<int64_t>();
    info.created_us = entry.at("created_us").get<int64_t>();
    info.quantization_rmse = entry.at("quantization_rmse").get<double>();
    for (const json& file : entry.at("files")) {
      ONEFOLD_ASSIGN_OR_RETURN(auto parsed, file_from_json(file));
      info.files.push_back(std::move(parsed));
    }
    return info;
  } catch (const json::exception& error) {
    return schema_error(error.what());
  }
}

Result<VersionInfo> read_version_info(const std::string& directory) {
  const std::string path = directory + "/" + kVersionName;
  ONEFOLD_ASSIGN_OR_RETURN(const std::string text, read_file(path));
  const json entry = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (entry.is_discarded()) return data_loss(path + ": is not JSON; the file is damaged");
  Result<VersionInfo> info = version_info_from_json(entry);
  if (!info.ok()) return info.status().with_context(path);
  return info;
}

Status check_compatible(const VersionInfo& version, const VersionInfo& base) {
  auto differ = [&](const char* what, const std::string& a, const std::string& b) {
    return schema_error(
        fmt::format("embeddings {} and {} cannot be mixed: {} is '{}' in one and '{}' "
                    "in the other; generate all users with one model",
                    version.id, base.id, what, a, b));
  };
  if (version.slices != base.slices) return differ("slice set", version.slices, base.slices);
  if (version.model != base.model) return differ("upstream model", version.model, base.model);
  if (version.shape != base.shape) {
    return differ("shape", fmt::format("{}x{}", version.shape.tokens, version.shape.dim),
                  fmt::format("{}x{}", base.shape.tokens, base.shape.dim));
  }
  if (version.format != base.format) {
    return differ("format", to_string(version.format), to_string(base.format));
  }
  return {};
}

}  // namespace onefold
