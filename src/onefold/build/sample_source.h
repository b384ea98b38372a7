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
#include "onefold/build/sampling.h"

namespace onefold {

struct SampleCounts {
  int64_t requests = 0;     // with a sample
  DistinctCounts sessions;  // repeated: in more than one period
  int64_t users = 0;
  int64_t negatives = 0;  // candidates whose labels are all 0
  int64_t kept_negatives = 0;
};

class SampleSource {
 public:
  // Borrows all. `routed` is sorted; `counter_bytes` for each of two counters.
  SampleSource(RequestStream& requests, Routed& routed, EventJoin& join,
               const ClusterOptions& options, const SamplingOptions& sampling, size_t num_labels,
               SpillFile& spill, int64_t counter_bytes)
      : requests_(requests),
        routed_(routed),
        join_(join),
        cutter_(options),
        sampling_(sampling),
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
  void sample_negatives(LabelledRequest& labelled);
  Result<LabelledRequest> label(const SortedRequest& request);

  RequestStream& requests_;
  Routed& routed_;
  EventJoin& join_;
  RowGroupCutter cutter_;
  SamplingOptions sampling_;
  size_t num_labels_;
  std::vector<RequestEvent> events_;  // of the request at hand
  DistinctCounter sessions_, users_;
  SampleCounts counts_;
};

}  // namespace onefold
