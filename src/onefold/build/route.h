// SPDX-License-Identifier: Apache-2.0
// route: by request id, which requests count and where their events go.
//
// Events know their request's id only, while requests are sorted by session. So both leave small
// records behind while the log is read; joined by request id, each event gets the key of its
// request and can be sorted as the requests are.
#pragma once

#include <cstdint>
#include <tuple>

#include "onefold/build/external_sort.h"
#include "onefold/build/join.h"
#include "onefold/build/request_key.h"

namespace onefold {

enum class RequestFate : int32_t {
  kKept,
  kOutside,    // of another time than asked for
  kSampledOut  // of a session that down-sampling drops
};

// A record of the feature log.
struct RequestRecord {
  RequestKey key;
  RequestFate fate = RequestFate::kKept;
  int32_t num_candidates = 0;

  friend bool operator<(const RequestRecord& a, const RequestRecord& b) {
    return std::tie(a.key.request_id, a.key.position) < std::tie(b.key.request_id, b.key.position);
  }
};

// A record of the event log.
struct EventRecord {
  int64_t request_id = 0;
  int64_t position = 0;  // in the log
  RequestEvent event;

  friend bool operator<(const EventRecord& a, const EventRecord& b) {
    return std::tie(a.request_id, a.event.item_id, a.position) <
           std::tie(b.request_id, b.event.item_id, b.position);
  }
};

// An event of a request that counts.
struct RoutedEvent {
  RequestKey request;
  int64_t position = 0;
  RequestEvent event;

  friend bool operator<(const RoutedEvent& a, const RoutedEvent& b) {
    return std::tie(a.request, a.event.item_id, a.position) <
           std::tie(b.request, b.event.item_id, b.position);
  }
};

struct RouteCounts {
  int64_t requests = 0;    // that count
  int64_t duplicates = 0;  // records of a request id that an earlier record has
  int64_t empty = 0;       // without candidates
  int64_t outside = 0;
  int64_t sampled_out = 0;
  int64_t events = 0;   // those of requests that are outside or sampled out not counted
  int64_t orphans = 0;  // events without a request
  int64_t unlabelled = 0;
};

struct Routed {
  ExternalSorter<RoutedEvent> events;
  ExternalSorter<RequestKey> dropped;  // duplicates: in the runs, but not to be used
};

// Sorts all four. REQUIRES: every record of the log was added to `requests` and `events`.
Result<RouteCounts> route(ExternalSorter<RequestRecord>& requests,
                          ExternalSorter<EventRecord>& events, const LabelActions& actions,
                          Routed& routed);

}  // namespace onefold
