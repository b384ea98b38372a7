// SPDX-License-Identifier: Apache-2.0
// MemoryPlan: how a build divides the memory it may use.
#pragma once

#include <cstdint>

#include "onefold/base/status.h"

namespace onefold {

// Bytes. Reading has requests, request_records and event_records; then requests (if nothing was
// spilled) and routed; writing has counters, read-ahead blocks and row groups.
struct MemoryPlan {
  int64_t requests = 0;         // blocks of the feature log before they are spilled
  int64_t request_records = 0;  // route.h
  int64_t event_records = 0;
  int64_t routed = 0;
  int64_t counters = 0;    // of distinct sessions and users, each
  int64_t block = 0;       // spilled at a time, and read back
  int64_t read_ahead = 0;  // blocks of all runs
  int64_t row_groups = 0;  // being made
};

// For a limit of `bytes` on the whole process, of which the program itself has `resident` already.
// kInvalidArgument when what is left is too little to work with.
Result<MemoryPlan> plan_memory(int64_t bytes, int64_t resident, int threads);

}  // namespace onefold
