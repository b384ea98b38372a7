// SPDX-License-Identifier: Apache-2.0
// LogReader: reads a log directory back, one block at a time.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "onefold/base/status.h"
#include "onefold/jagged/schema.h"
#include "onefold/log/log_meta.h"
#include "onefold/log/log_writer.h"
#include "onefold/log/record.h"
#include "onefold/log/torn_tail.h"

namespace onefold {

class LogReader {
 public:
  // kNotFound without _log.json; kUnsupported for a newer format version.
  static Result<LogReader> open(const std::string& directory);

  const std::string& directory() const { return directory_; }
  const Schema& schema() const { return schema_; }
  const LogOptions& options() const { return options_; }  // sharding and shard count as written

  // Calls `visit` for every block, shard by shard, segment by segment, in the order written.
  // `visit`'s first error ends the read and is returned.
  Status read_features(const std::function<Status(FeatureRecords&&)>& visit);
  Status read_events(const std::function<Status(EventRecords&&)>& visit);

  // Segments of a stream in the order above, to be read one by one and from several threads.
  Result<std::vector<SegmentFile>> feature_segments() const;
  Result<std::vector<SegmentFile>> event_segments() const;
  // Visits the blocks of one segment. What it lost at its end, if anything, is added to
  // `torn_tails`.
  Status read_features(const SegmentFile& segment,
                       const std::function<Status(FeatureRecords&&)>& visit,
                       std::vector<TornTail>* torn_tails) const;
  Status read_events(const SegmentFile& segment, const std::function<Status(EventRecords&&)>& visit,
                     std::vector<TornTail>* torn_tails) const;

  // Filled by the reads of whole streams. A segment still being written (".open") is torn only if
  // it ends within a block.
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
