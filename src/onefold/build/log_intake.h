// SPDX-License-Identifier: Apache-2.0
// Pass 1: reads a log with all threads. Requests go to SortedRuns, and what is needed to join
// requests and events to the sorters of route.h.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <vector>

#include "onefold/build/cluster.h"
#include "onefold/build/route.h"
#include "onefold/build/sampling.h"
#include "onefold/build/sessionize.h"
#include "onefold/build/sorted_runs.h"
#include "onefold/log/log_reader.h"

namespace onefold {

struct IntakeOptions {
  ClusterOptions cluster;
  int64_t from_us = std::numeric_limits<int64_t>::min();
  int64_t until_us = std::numeric_limits<int64_t>::max();
  SamplingOptions sampling;
  const SessionIds* session_ids = nullptr;  // instead of the records'; borrowed
};

// Where records go. Borrowed.
struct IntakeTargets {
  SortedRuns& runs;
  ExternalSorter<RequestRecord>& requests;
  ExternalSorter<EventRecord>& events;
  LabelActions& actions;
};

struct IntakeCounts {
  std::vector<TornTail> torn_tails;  // in log order
  int64_t log_bytes = 0;
  // Times of the requests that are kept; first > last when there are none.
  int64_t first_us = std::numeric_limits<int64_t>::max();
  int64_t last_us = std::numeric_limits<int64_t>::min();
};

// `on_bytes` (done, all) is called from any thread after each block, one call at a time; its error
// ends the intake.
using OnProgress = std::function<Status(int64_t, int64_t)>;

Result<IntakeCounts> take_in(const LogReader& log, const IntakeOptions& options,
                             const IntakeTargets& targets, WorkerPool& pool,
                             const OnProgress& on_bytes);

}  // namespace onefold
