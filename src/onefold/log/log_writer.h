// SPDX-License-Identifier: Apache-2.0
// LogWriter: appends records to a sharded log directory.
//
//   LOGS/_log.json                              schema, number of shards, sharding, format version
//   LOGS/feature/shard-00007/000000.arrow       sealed segment: Arrow IPC stream, zstd
//   LOGS/feature/shard-00007/000001.arrow.open  being written; its complete blocks are readable
//   LOGS/event/shard-00007/...
//
// Sharding by session (RecD O1) puts a session's requests into the same segment, where the block
// compressor sees the repeats; sharding by request is what most loggers do and the baseline.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "onefold/base/status.h"
#include "onefold/jagged/schema.h"
#include "onefold/log/record.h"
#include "onefold/log/torn_tail.h"

namespace onefold {

enum class ShardBy { kSession, kRequest };
Result<ShardBy> parse_shard_by(const std::string& name);  // "session" | "request"
const char* to_string(ShardBy shard_by);

struct LogOptions {
  ShardBy shard_by = ShardBy::kSession;
  int num_shards = 8;
  int64_t block_bytes = 1 << 20;     // in-memory size at which a shard's buffer becomes one block
  int64_t segment_bytes = 64 << 20;  // written size at which a segment is sealed
  int zstd_level = 3;
  int threads = 1;  // that encode and compress; the log's bytes do not depend on it
};

class LogWriter {
 public:
  // Creates `directory`, or continues the log that is there: then the schema, sharding and number
  // of shards must be the same (kSchema otherwise). A torn segment of a killed writer is sealed at
  // its last complete block. kInvalidArgument when `directory` holds something that is not a log,
  // or when another writer has it open.
  static Result<std::unique_ptr<LogWriter>> open(const std::string& directory, const Schema& schema,
                                                 const LogOptions& options = {});
  virtual ~LogWriter() = default;  // seals nothing: without close() the tail stays ".open"

  // Appends records. REQUIRES: columns follow the schema (CheckError). kSchema for an action that
  // is not UTF-8; then nothing of that call is appended. kIoError: up to a block of each shard is
  // lost; later appends go to new segments.
  virtual Status append(const FeatureRecords& records) = 0;
  virtual Status append(const EventRecords& records) = 0;

  // Makes everything appended so far readable, without sealing segments.
  virtual Status flush() = 0;
  // Flushes and seals all segments by fsync and rename. Nothing may be appended afterwards.
  virtual Status close() = 0;

  // What open() cut off the segments of a killed writer and kept beside them as ".torn".
  virtual const std::vector<TornTail>& recovered() const = 0;
};

}  // namespace onefold
