// SPDX-License-Identifier: Apache-2.0
// Merging one user's runs: parts written at different times into one timeline.
//
//   base part   (t=1,a) (t=4,b)
//   delta part  (t=2,c) (t=9,d)      max_events 3   ->   (t=2,c) (t=4,b) (t=9,d)
#pragma once

#include <cstdint>
#include <span>

#include "onefold/timeline/event.h"

namespace onefold {

// Events [begin, end) of `events`, in (time, id) order.
struct EventRun {
  const EventColumns* events = nullptr;
  int64_t begin = 0, end = 0;
};

// Appends the newest `max_events` events of all runs to `out`, oldest first, their `columns` only.
// REQUIRES: every run has those columns and, unless there is one run, time and event id.
// Returns the number of events appended.
int64_t merge_runs(std::span<const EventRun> runs, int64_t max_events, ColumnSet columns,
                   EventColumns& out);

}  // namespace onefold
