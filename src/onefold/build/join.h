// SPDX-License-Identifier: Apache-2.0
// EventJoin: labels of a request's candidates, from its events.
//
//   request 7 shows items 10 11 12;  events: click on 11, watch on 11 worth 3.5 and 2.0
//   labels  click (action click)         0 1 0
//           seconds (action watch, value) 0 5.5 0
#pragma once

#include <cstdint>
#include <mutex>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "onefold/jagged/schema.h"

namespace onefold {

struct JoinStats {
  int64_t events = 0;
  int64_t orphans = 0;     // no such request, or no such item among its candidates
  int64_t unlabelled = 0;  // of an action that no label asks for
  int64_t late = 0;        // more than `late_after_us` after the request; they label all the same
  int64_t early = 0;       // before the request, as clocks that disagree make them; likewise
};

// Actions by number, and the labels that ask for them.
class LabelActions {
 public:
  explicit LabelActions(std::vector<LabelSpec> labels) : labels_(std::move(labels)) {}

  // From any thread. Numbers depend on who asks first: they order nothing.
  int32_t index_of(const std::string& action);

  // Once all actions are known: indices into labels().
  const std::vector<int32_t>& labels_of(int32_t action) const { return labels_of_action_[action]; }
  const std::vector<LabelSpec>& labels() const { return labels_; }

 private:
  std::vector<LabelSpec> labels_;
  std::mutex adding_;
  std::unordered_map<std::string, int32_t> actions_;
  std::vector<std::vector<int32_t>> labels_of_action_;  // [actions]
};

// An event of a request, on one of its candidates or not.
struct RequestEvent {
  int64_t item_id = 0;
  int64_t time_us = 0;
  int32_t action = 0;  // of LabelActions
  float value = 0;     // NaN: none
};

class EventJoin {
 public:
  // Borrows `actions`, which knows all actions by now.
  EventJoin(const LabelActions& actions, int64_t late_after_us)
      : actions_(actions),
        late_after_us_(late_after_us),
        label_events_(actions.labels().size(), 0) {}

  // Labels of one request's candidates: `out` [num_items * num_labels], row major, all 0 on entry.
  // `events` are the request's, by item, those of an item in log order. An item that is shown twice
  // gets its labels twice. A value label sums the values of its events; an event without a value
  // adds nothing.
  void join(int64_t request_time_us, std::span<const int64_t> items,
            std::span<const RequestEvent> events, std::span<float> out);

  // Of the joins so far. Per label, the events that made it: an item clicked twice has two.
  const std::vector<int64_t>& label_events() const { return label_events_; }
  int64_t num_orphans() const { return num_orphans_; }  // on no candidate
  int64_t num_late() const { return num_late_; }
  int64_t num_early() const { return num_early_; }

 private:
  void count_joined(const RequestEvent& event, int64_t request_time_us);
  void add_labels(std::span<const RequestEvent> events, std::span<float> row) const;

  const LabelActions& actions_;
  int64_t late_after_us_;
  std::vector<char> joined_;  // [events] of the request at hand
  std::vector<int64_t> label_events_;
  int64_t num_orphans_ = 0, num_late_ = 0, num_early_ = 0;
};

}  // namespace onefold
