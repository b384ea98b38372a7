// SPDX-License-Identifier: Apache-2.0
// Sessionizing: session ids for logs that have none, from users and times.
//
// A user's requests, by time, belong to one session until there is a gap longer than the idle gap.
// The id is a hash of the user and the session's first time, so a log that grows keeps the ids of
// the sessions it had.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "onefold/base/spill_file.h"
#include "onefold/build/worker_pool.h"
#include "onefold/log/log_reader.h"

namespace onefold {

// "30min", "90s", "2h", "1d" -> microseconds. kInvalidArgument for anything else.
Result<int64_t> parse_idle_gap(const std::string& text);

int64_t session_id_of(int64_t user_id, int64_t first_time_us);

// The session of every request of a log. In a spill file, 8 bytes each.
class SessionIds {
 public:
  // Reads the whole log once, in all threads; up to about 2 * `memory_bytes`.
  static Result<std::unique_ptr<SessionIds>> make(const LogReader& log, int64_t idle_gap_us,
                                                  WorkerPool& pool, const std::string& spill_dir,
                                                  int64_t memory_bytes);

  // Ids of requests [row, row + ids.size()) of segment number `segment` of the feature log. From
  // any thread. kDataLoss when there are fewer: somebody writes to the log.
  Status read(int64_t segment, int64_t row, std::span<int64_t> ids) const;

 private:
  explicit SessionIds(const std::string& spill_dir) : ids_(spill_dir) {}

  SpillFile ids_;                     // in log order
  std::vector<int64_t> first_ = {0};  // [segments + 1] of each segment, in requests
};

}  // namespace onefold
