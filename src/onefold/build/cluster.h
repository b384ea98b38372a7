// SPDX-License-Identifier: Apache-2.0
// Clustering (RecD O2): the order of samples, and where row groups begin.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "onefold/build/partition.h"
#include "onefold/build/request_stream.h"
#include "onefold/build/sample_rows.h"

namespace onefold {

enum class SampleOrder {
  kSession,  // (session, time, request, position): a session's samples lie side by side
  kArrival,  // (time, request, position): as logged; to compare with
};
Result<SampleOrder> parse_sample_order(const std::string& name);  // "session" | "arrival"

struct ClusterOptions {
  SampleOrder order = SampleOrder::kSession;
  PartitionBy partition = PartitionBy::kDay;
  // A row group takes whole sessions (arrival order: whole requests) while they fit in this many
  // samples; a larger one has a row group to itself.
  int64_t row_group_samples = 16384;
};

// The key by which the request of these ids is sorted.
RequestKey request_key(const ClusterOptions& options, int64_t session_id, int64_t time_us,
                       int64_t request_id, int64_t position);

// A request with the candidates that become samples; at least one.
struct LabelledRequest {
  SortedRequest request;
  std::vector<int32_t> candidates;  // rows of its block
  std::vector<float> labels;        // [candidates * L]
};

// Cuts a stream of requests into row groups.
class RowGroupCutter {
 public:
  explicit RowGroupCutter(const ClusterOptions& options) : options_(options) {}

  // The next request in order. Returns a row group when this request cannot be part of it.
  std::optional<SampleRows> add(LabelledRequest&& request);
  // The last row group, if any request is left.
  std::optional<SampleRows> finish();

 private:
  // Requests that stay together, or a row group of them.
  struct Requests {
    std::vector<LabelledRequest> requests;
    int64_t samples = 0;
    bool empty() const { return requests.empty(); }
  };

  bool belongs_to_unit(const RequestKey& key) const;
  std::optional<SampleRows> close_unit();

  ClusterOptions options_;
  Requests row_group_;  // complete units
  Requests unit_;       // a session; in arrival order a request
};

}  // namespace onefold
