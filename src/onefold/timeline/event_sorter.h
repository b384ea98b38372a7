// SPDX-License-Identifier: Apache-2.0
// EventSorter: events in any order in, by (user, timeline, time, id, arrival) out, in bounded
// memory.
//
// An external merge sort rather than a hash partition: a partition holds all events of its
// heaviest user, a sorted run holds as many as fit, so that no user can break the bound.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "onefold/base/spill_file.h"
#include "onefold/base/status.h"
#include "onefold/timeline/event.h"

namespace onefold {

class EventSorter {
 public:
  // Uses about `memory_bytes`; spills into `spill_directory` only when that is not enough.
  EventSorter(std::string spill_directory, int64_t memory_bytes);
  ~EventSorter();

  Status add(const Event& event);  // sets arrival
  // No add() after this.
  Status finish();
  // The next event, valid until the call after; nullptr at the end. REQUIRES: finish().
  Result<const Event*> next();

  int64_t num_events() const { return num_events_; }
  int64_t num_spilled_runs() const { return num_spilled_runs_; }

 private:
  struct Run;  // a spilled run with its read buffer

  Status spill();
  // Merges runs [0, count) into one new run at the end.
  Status merge_first(size_t count);
  Status open_runs(size_t count);
  Result<const Event*> next_merged();

  std::string spill_directory_;
  size_t buffer_events_;  // that fit into memory
  std::vector<Event> buffer_;
  std::vector<std::unique_ptr<SpillFile>> files_;
  std::vector<std::unique_ptr<Run>> runs_;  // being merged
  std::vector<Run*> heap_;  // runs_ that have events left: a heap, the next event on top
  Run* current_ = nullptr;  // gave the last event
  size_t next_in_buffer_ = 0;
  int64_t num_events_ = 0;
  int64_t num_spilled_runs_ = 0;
  bool finished_ = false;
};

}  // namespace onefold
