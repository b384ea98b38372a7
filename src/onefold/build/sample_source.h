// SPDX-License-Identifier: Apache-2.0
// SampleSource: pass 2's input. Merges sorted requests with their events, labels the candidates and
// cuts row groups.
#pragma once

#include <memory>
#include <optional>

#include "onefold/build/cluster.h"
#include "onefold/build/distinct.h"
#include "onefold/build/join.h"
#include "onefold/build/request_stream.h"
#include "onefold/build/route.h"

namespace onefold {

struct SampleCounts {
  int64_t requests = 0;     // with a sample
  DistinctCounts sessions;  // repeated: in more than one period
  int64_t users = 0;
};

class SampleSource {
 public:
  // Borrows all. `routed` is sorted; `counter_bytes` for each of two counters.
  SampleSource(RequestStream& requests, Routed& routed, EventJoin& join,
               const ClusterOptions& options, size_t num_labels, SpillFile& spill,
               int64_t counter_bytes)
      : requests_(requests),
        routed_(routed),
        join_(join),
        cutter_(options),
        num_labels_(num_labels),
        sessions_(spill, counter_bytes),
        users_(spill, counter_bytes) {}

  // The next row group; nothing after the last.
  Result<std::optional<SampleRows>> next();

  // After the last.
  Result<SampleCounts> counts();

 private:
  Result<bool> is_dropped(const RequestKey& key);
  Status take_events(const RequestKey& key);
  Result<LabelledRequest> label(const SortedRequest& request);

  RequestStream& requests_;
  Routed& routed_;
  EventJoin& join_;
  RowGroupCutter cutter_;
  size_t num_labels_;
  std::vector<RequestEvent> events_;  // of the request at hand
  DistinctCounter sessions_, users_;
  int64_t num_requests_ = 0;
};

}  // namespace onefold
