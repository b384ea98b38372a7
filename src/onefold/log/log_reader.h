// SPDX-License-Identifier: Apache-2.0
// LogReader: reads a log directory back, one block at a time.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "onefold/base/status.h"
#include "onefold/jagged/schema.h"
#include "onefold/log/log_writer.h"
#include "onefold/log/record.h"

namespace onefold {

// A segment whose tail is not a complete block (a killed writer, a cut copy): its complete blocks
// are delivered, the rest is counted here.
struct TornTail {
  std::string path;
  int64_t num_records = 0;    // delivered from this segment
  int64_t bytes_skipped = 0;  // after the last complete block
  std::string reason;
};

class LogReader {
 public:
  // kNotFound without _log.json; kUnsupported for a newer format version.
  static Result<LogReader> open(const std::string& directory);

  const Schema& schema() const { return schema_; }
  const LogOptions& options() const { return options_; }  // sharding and shard count as written

  // Calls `visit` for every block, shard by shard, segment by segment, in the order written.
  // `visit`'s first error ends the read and is returned.
  Status read_features(const std::function<Status(FeatureRecords&&)>& visit);
  Status read_events(const std::function<Status(EventRecords&&)>& visit);

  // Filled by the reads above.
  const std::vector<TornTail>& torn_tails() const { return torn_tails_; }

  // Bytes on disk of each stream, from file sizes.
  Result<int64_t> feature_bytes() const;
  Result<int64_t> event_bytes() const;

 private:
  std::string directory_;
  Schema schema_;
  LogOptions options_;
  std::vector<TornTail> torn_tails_;
};

}  // namespace onefold
