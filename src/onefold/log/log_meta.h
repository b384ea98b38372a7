// SPDX-License-Identifier: Apache-2.0
// LogMeta: what `_log.json` says, and where the segments of a log lie.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "onefold/base/status.h"
#include "onefold/jagged/schema.h"
#include "onefold/log/log_writer.h"

namespace onefold {

inline constexpr int kLogFormatVersion = 1;
inline constexpr const char* kLogMetaName = "_log.json";

struct LogMeta {
  Schema schema;
  ShardBy shard_by = ShardBy::kSession;
  int num_shards = 0;
};

bool is_log(const std::string& directory);

// kNotFound, with advice, when `directory` is not a log; kUnsupported for a newer format version;
// kSchema for a missing or mistyped field; kDataLoss when the file is not JSON.
Result<LogMeta> read_log_meta(const std::string& directory);
Status write_log_meta(const std::string& directory, const LogMeta& meta);

struct SegmentFile {
  int64_t number = 0;
  std::string path;  // without ".open"
  bool open = false;

  std::string file() const;
};

// LOGS/feature/shard-00007
std::string shard_directory(const std::string& log, const std::string& stream, int shard);
// <shard directory>/000012.arrow
std::string segment_path(const std::string& shard_directory, int64_t number);
// By number; empty when the shard has no directory yet.
Result<std::vector<SegmentFile>> list_segments(const std::string& shard_directory);

}  // namespace onefold
