// SPDX-License-Identifier: Apache-2.0
#include "onefold/build/sessionize.h"

#include <atomic>
#include <cmath>
#include <cstdlib>

#include "onefold/base/hash.h"
#include "onefold/build/external_sort.h"
#include "onefold/build/request_key.h"

namespace onefold {
namespace {

constexpr size_t kIdsAtOnce = 1 << 16;

struct UserRequest {
  int64_t user_id = 0, time_us = 0, position = 0;
  friend auto operator<=>(const UserRequest&, const UserRequest&) = default;
};

struct PlacedSession {
  int64_t position = 0, session_id = 0;
  friend auto operator<=>(const PlacedSession&, const PlacedSession&) = default;
};

// Users and times of all requests; returns how many each segment has.
Result<std::vector<int64_t>> read_users(const LogReader& log, WorkerPool& pool,
                                        ExternalSorter<UserRequest>& users) {
  ONEFOLD_ASSIGN_OR_RETURN(const auto segments, log.feature_segments());
  std::vector<int64_t> counts(segments.size());
  ONEFOLD_RETURN_IF_ERROR(
      pool.run_all(static_cast<int64_t>(segments.size()), [&](int64_t segment) -> Status {
        std::vector<UserRequest> block;
        std::vector<TornTail> torn_tails;  // counted when the log is read for its values
        const auto take = [&](FeatureRecords&& records) -> Status {
          block.clear();
          for (int64_t row = 0; row < records.num_requests(); ++row) {
            block.push_back({records.user_id[row], records.time_us[row],
                             log_position(segment, counts[segment]++)});
          }
          return users.add(block);
        };
        return log.read_features(segments[segment], take, &torn_tails);
      }));
  return counts;
}

Status place_sessions(ExternalSorter<UserRequest>& users, int64_t idle_gap_us,
                      ExternalSorter<PlacedSession>& sessions) {
  UserRequest last;
  int64_t session_id = 0;
  for (bool first = true; users.has_value(); first = false) {
    const UserRequest request = users.value();
    // Unsigned: times may be as far apart as int64 allows.
    const auto gap = static_cast<uint64_t>(request.time_us) - static_cast<uint64_t>(last.time_us);
    if (first || request.user_id != last.user_id || gap > static_cast<uint64_t>(idle_gap_us)) {
      session_id = session_id_of(request.user_id, request.time_us);
    }
    ONEFOLD_RETURN_IF_ERROR(sessions.add({{PlacedSession{request.position, session_id}}}));
    last = request;
    ONEFOLD_RETURN_IF_ERROR(users.advance());
  }
  return {};
}

}  // namespace

Result<int64_t> parse_idle_gap(const std::string& text) {
  char* end = nullptr;
  const double number = std::strtod(text.c_str(), &end);
  const std::string unit(end);
  const double seconds = unit == "s"     ? 1
                         : unit == "min" ? 60
                         : unit == "h"   ? 3600
                         : unit == "d"   ? 86400
                                         : 0;
  const double us = std::round(number * seconds * 1e6);
  if (end == text.c_str() || !(us >= 1) || us > 9e18) {
    return invalid_argument("'" + text +
                            "' is no idle gap: expected a time as 30min, 90s, 2h or 1d");
  }
  return static_cast<int64_t>(us);
}

int64_t session_id_of(int64_t user_id, int64_t first_time_us) {
  return static_cast<int64_t>(hash64(first_time_us, hash64(user_id)) >> 1);
}

Result<std::unique_ptr<SessionIds>> SessionIds::make(const LogReader& log, int64_t idle_gap_us,
                                                     WorkerPool& pool, const std::string& spill_dir,
                                                     int64_t memory_bytes) {
  std::unique_ptr<SessionIds> made(new SessionIds(spill_dir));
  SpillFile spill(spill_dir);
  ExternalSorter<UserRequest> users(spill, memory_bytes);
  ONEFOLD_ASSIGN_OR_RETURN(const std::vector<int64_t> counts, read_users(log, pool, users));
  for (const int64_t count : counts) made->first_.push_back(made->first_.back() + count);
  ExternalSorter<PlacedSession> sessions(spill, memory_bytes);
  ONEFOLD_RETURN_IF_ERROR(users.sort());
  ONEFOLD_RETURN_IF_ERROR(place_sessions(users, idle_gap_us, sessions));
  ONEFOLD_RETURN_IF_ERROR(sessions.sort());
  // In order of position: every request of a segment has an id, so they lie side by side.
  std::vector<int64_t> ids;
  while (sessions.has_value()) {
    ids.push_back(sessions.value().session_id);
    ONEFOLD_RETURN_IF_ERROR(sessions.advance());
    if (ids.size() < kIdsAtOnce && sessions.has_value()) continue;
    const auto bytes = static_cast<int64_t>(ids.size() * sizeof(int64_t));
    ONEFOLD_RETURN_IF_ERROR(made->ids_.append(ids.data(), bytes).status());
    ids.clear();
  }
  return made;
}

Status SessionIds::read(int64_t segment, int64_t row, std::span<int64_t> ids) const {
  const auto num_segments = static_cast<int64_t>(first_.size()) - 1;
  const auto count = static_cast<int64_t>(ids.size());
  if (segment >= num_segments || first_[segment] + row + count > first_[segment + 1]) {
    return data_loss("requests were written to the log while it was read; build again");
  }
  constexpr auto kBytes = static_cast<int64_t>(sizeof(int64_t));
  return ids_.read((first_[segment] + row) * kBytes, ids.data(), count * kBytes);
}

}  // namespace onefold
