// SPDX-License-Identifier: Apache-2.0
// When each user of a synthetic log comes, and how often they ask within a session.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <queue>
#include <vector>

#include "onefold/log/synth_random.h"

namespace onefold {

struct ScheduleOptions {
  int64_t users = 1;
  double sessions_per_user = 1;                        // mean; geometric
  std::function<int64_t(SynthRandom&)> draw_requests;  // of a session, at least 1
  double mean_gap_seconds = 240;                       // between requests of a session
  double days = 7;                                     // from 2024-01-01 UTC
  uint64_t seed = 1;
};

struct ScheduledRequest {
  int64_t time_us = 0;
  int64_t session_id = 0;  // 1, 2, ... user by user
  int64_t user = 0;        // [0, users)
  bool first_of_session = false;
  bool first_of_user = false;
  bool last_of_user = false;
};

// All requests of all users by time, one after the other. Requests of a session are at most 20
// minutes apart, sessions of a user at least 30.
// Memory: about 100 bytes per user and 8 per session, however many requests there are.
class SynthSchedule {
 public:
  explicit SynthSchedule(ScheduleOptions options);
  SynthSchedule(const SynthSchedule&) = delete;  // the queue points into it
  SynthSchedule& operator=(const SynthSchedule&) = delete;

  int64_t num_sessions() const { return num_sessions_; }  // of all users
  std::optional<ScheduledRequest> next();

 private:
  struct Visitor {
    SynthRandom random{0};
    std::vector<int64_t> starts_us;  // of the sessions to come, the next one last
    int64_t requests_left = 0;       // of the session
    ScheduledRequest request = {};   // the next one
  };
  struct Later {
    const std::vector<Visitor>* visitors;
    bool operator()(int64_t a, int64_t b) const;
  };

  void begin_session(Visitor& visitor, int64_t earliest_us);

  ScheduleOptions options_;
  int64_t num_sessions_ = 0;
  std::vector<Visitor> visitors_;
  std::priority_queue<int64_t, std::vector<int64_t>, Later> queue_;
};

}  // namespace onefold
