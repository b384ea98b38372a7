// SPDX-License-Identifier: Apache-2.0
// Which new events enter a user's timeline. Two steps:
//
//   NewestEvents  new events among themselves: no id twice, the newest max_events
//   admit         new events against the stored ones: no id that is stored, the newest of both
//
// Everything not admitted, and every stored event that a newer one pushes out, is counted.
// A copy of an event that has already left the timeline counts as a new event.
#pragma once

#include <cstdint>
#include <unordered_set>
#include <vector>

#include "onefold/timeline/event.h"

namespace onefold {

// Takes the events of one user and timeline in (time, id, arrival) order, of any number, in memory
// for 2 * max_events.
class NewestEvents {
 public:
  explicit NewestEvents(int64_t max_events) : max_events_(max_events) {}

  void push(const Event& event);
  int64_t duplicates() const { return duplicates_; }
  int64_t over_cap() const { return over_cap_; }
  // The kept events in order; the object is empty afterwards, its counts 0.
  std::vector<Event> take();

 private:
  int64_t max_events_;
  std::vector<Event> events_;  // [first_, end) are kept
  size_t first_ = 0;
  std::unordered_set<int64_t> ids_;  // of the kept events
  int64_t duplicates_ = 0, over_cap_ = 0;
};

struct Admission {
  std::vector<Event> events;  // to be written, in order
  int64_t duplicates = 0;
  int64_t over_cap = 0;     // new ones left out plus stored ones pushed out
  int64_t num_visible = 0;  // events of the timeline afterwards
};

// `fresh` as NewestEvents gives them; `stored` are the keys of all stored events of the timeline,
// in any order, among them such as an earlier append pushed out.
Admission admit(std::vector<Event> fresh, std::vector<EventKey> stored, int64_t max_events);

}  // namespace onefold
