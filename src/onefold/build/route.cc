// SPDX-License-Identifier: Apache-2.0
#include "onefold/build/route.h"

#include <optional>

namespace onefold {
namespace {

class Router {
 public:
  Router(ExternalSorter<RequestRecord>& requests, ExternalSorter<EventRecord>& events,
         const LabelActions& actions, Routed& routed)
      : requests_(requests), events_(events), actions_(actions), routed_(routed) {}

  Result<RouteCounts> run() {
    while (requests_.has_value()) {
      const int64_t request_id = requests_.value().key.request_id;
      while (events_.has_value() && events_.value().request_id < request_id) {
        ONEFOLD_RETURN_IF_ERROR(take_event(std::nullopt));
      }
      ONEFOLD_RETURN_IF_ERROR(route_request(request_id));
    }
    while (events_.has_value()) ONEFOLD_RETURN_IF_ERROR(take_event(std::nullopt));
    return counts_;
  }

 private:
  // All records of one request id, and its events.
  Status route_request(int64_t request_id) {
    std::optional<RequestRecord> first;  // of those that are kept
    bool outside = false, sampled_out = false;
    while (requests_.has_value() && requests_.value().key.request_id == request_id) {
      const RequestRecord record = requests_.value();
      outside |= record.fate == RequestFate::kOutside;
      sampled_out |= record.fate == RequestFate::kSampledOut;
      if (record.fate == RequestFate::kKept) {
        if (first) {
          ++counts_.duplicates;
          ONEFOLD_RETURN_IF_ERROR(routed_.dropped.add({{record.key}}));
        } else {
          first = record;
        }
      }
      ONEFOLD_RETURN_IF_ERROR(requests_.advance());
    }
    counts_.outside += outside;
    counts_.sampled_out += sampled_out;
    const bool empty = first && first->num_candidates == 0;
    counts_.empty += empty;
    counts_.requests += first && !empty;
    while (events_.has_value() && events_.value().request_id == request_id) {
      if (outside || sampled_out) {
        ONEFOLD_RETURN_IF_ERROR(events_.advance());
      } else {
        ONEFOLD_RETURN_IF_ERROR(take_event(empty ? std::nullopt : std::optional(first->key)));
      }
    }
    return {};
  }

  // The next event belongs to `request`, or to none.
  Status take_event(const std::optional<RequestKey>& request) {
    const EventRecord& record = events_.value();
    ++counts_.events;
    counts_.unlabelled += actions_.labels_of(record.event.action).empty();
    if (request) {
      ONEFOLD_RETURN_IF_ERROR(
          routed_.events.add({{RoutedEvent{*request, record.position, record.event}}}));
    } else {
      ++counts_.orphans;
    }
    return events_.advance();
  }

  ExternalSorter<RequestRecord>& requests_;
  ExternalSorter<EventRecord>& events_;
  const LabelActions& actions_;
  Routed& routed_;
  RouteCounts counts_;
};

}  // namespace

Result<RouteCounts> route(ExternalSorter<RequestRecord>& requests,
                          ExternalSorter<EventRecord>& events, const LabelActions& actions,
                          Routed& routed) {
  ONEFOLD_RETURN_IF_ERROR(requests.sort());
  ONEFOLD_RETURN_IF_ERROR(events.sort());
  ONEFOLD_ASSIGN_OR_RETURN(const RouteCounts counts,
                           Router(requests, events, actions, routed).run());
  ONEFOLD_RETURN_IF_ERROR(routed.events.sort());
  ONEFOLD_RETURN_IF_ERROR(routed.dropped.sort());
  return counts;
}

}  // namespace onefold
