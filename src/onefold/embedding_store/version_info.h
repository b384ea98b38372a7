// SPDX-License-Identifier: Apache-2.0
// VersionInfo: what `_version.json` says of one version of user embeddings.
//
//   STORE/_store.json                 shape, and which version was live from when
//   STORE/v000001/_version.json       this
//   STORE/v000001/part-00000.parquet  user_id, embedding (list of int64 words, quantize.h)
//
// A version made from changed users only holds just those; all others are found in its base, and
// the base's base. So refreshing 1 % of the users writes 1 % of the rows.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "onefold/base/status.h"
#include "onefold/embedding_store/quantize.h"

namespace onefold {

inline constexpr int kEmbeddingFormatVersion = 1;
inline constexpr const char* kVersionName = "_version.json";

// Rows are sorted by user id within a file and from file to file.
struct VersionFile {
  std::string path;  // relative to the version's directory
  int64_t num_users = 0;
  int64_t bytes = 0;
  std::string xxh3;                      // base/hash.h
  std::vector<int64_t> row_group_rows;   // users of each row group
  std::vector<int64_t> row_group_first;  // first user id of each row group
  int64_t last_user = 0;

  bool operator==(const VersionFile&) const = default;
};

struct VersionInfo {
  std::string id;    // "v000001"
  std::string base;  // version that holds the users this one does not; empty: none
  EmbeddingFormat format = EmbeddingFormat::kInt4;
  EmbeddingShape shape;
  std::string slices;  // version of the slice set it was computed with
  std::string model;   // checksum of the upstream model
  // The state of the timelines it was computed from (TimelineVersion), to find who changed since.
  std::string timelines_id;
  int64_t timelines_generation = 0;
  int64_t as_of_us = 0;  // events before this time were used, microseconds since 1970 UTC
  int64_t created_us = 0;
  double quantization_rmse = 0;  // against the fp32 values, over all users of this version
  std::vector<VersionFile> files;

  int64_t num_users() const;
  bool operator==(const VersionInfo&) const = default;
};

nlohmann::json to_json(const VersionInfo& info);
// kUnsupported for a newer format, kSchema for a missing or mistyped field.
Result<VersionInfo> version_info_from_json(const nlohmann::json& json);
// Reads `directory`/_version.json.
Result<VersionInfo> read_version_info(const std::string& directory);

// kSchema unless both versions were computed with the same slices, shape and upstream model:
// vectors of different encoders live in different spaces and must not be mixed.
Status check_compatible(const VersionInfo& version, const VersionInfo& base);

}  // namespace onefold
