// SPDX-License-Identifier: Apache-2.0
// When each user of a synthetic log comes, and how often they ask within a session.
#pragma once

#include <cstdint>
#include <vector>

#include "onefold/log/synth.h"

namespace onefold {

struct ScheduledRequest {
  int64_t time_us = 0;
  int64_t session_id = 0;  // 1, 2, ...
  int64_t user = 0;        // [0, users)
  bool first_of_session = false;
  bool first_of_user = false;
};

// All requests of all users by time. Requests of a session are at most 20 minutes apart, sessions
// of a user at least 30.
std::vector<ScheduledRequest> schedule_requests(const SynthOptions& options);

}  // namespace onefold
