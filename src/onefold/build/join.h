// SPDX-License-Identifier: Apache-2.0
// EventJoin: labels of candidates, from the event log.
//
//   request 7 shows items 10 11 12;  events: click on 11, watch on 11 worth 3.5 and 2.0
//   labels  click (action click)         0 1 0
//           seconds (action watch, value) 0 5.5 0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "onefold/jagged/schema.h"
#include "onefold/log/record.h"

namespace onefold {

struct JoinStats {
  int64_t events = 0;
  int64_t orphans = 0;     // no such request, or no such item among its candidates
  int64_t unlabelled = 0;  // of an action that no label asks for
  int64_t late = 0;        // more than `late_after_us` after the request; they label all the same
  int64_t early = 0;       // before the request, as clocks that disagree make them; likewise
};

// add() all events, then join() each request once.
class EventJoin {
 public:
  EventJoin(std::vector<LabelSpec> labels, int64_t late_after_us)
      : labels_(std::move(labels)), late_after_us_(late_after_us) {}

  void add(const EventRecords& records);
  // Forgets the events of these requests: they are not orphans, their request is not wanted.
  void leave_out(const std::unordered_set<int64_t>& request_ids);

  // Labels of one request's candidates: `out` [num_items * num_labels], row major, all 0 on entry.
  // An item that is shown twice gets its labels twice. A value label sums the values of its
  // events; an event without a value (NaN) adds nothing.
  void join(int64_t request_id, int64_t request_time_us, std::span<const int64_t> items,
            std::span<float> out);

  // After the last join(): per label, the events that made it. An item clicked twice has two.
  std::vector<int64_t> label_events() const;

  // After the last join(): events that no request claimed are orphans.
  JoinStats stats() const;

 private:
  struct Event {
    int64_t request_id;
    int64_t item_id;
    int64_t time_us;
    int32_t action;  // index into actions_
    float value;
    bool joined;
  };

  int32_t action_index(const std::string& action);
  void index_events();
  std::span<Event> events_of(int64_t request_id);
  void add_labels(std::span<const Event> events, std::span<float> row) const;

  std::vector<LabelSpec> labels_;
  int64_t late_after_us_;
  std::unordered_map<std::string, int32_t> actions_;
  std::vector<std::vector<int32_t>> labels_of_action_;  // [actions]: indices into labels_
  std::vector<Event> events_;                           // once indexed, by (request, item), stable
  std::unordered_map<int64_t, std::pair<size_t, size_t>> range_of_request_;
  bool indexed_ = false;
  int64_t num_late_ = 0, num_early_ = 0;
};

}  // namespace onefold
