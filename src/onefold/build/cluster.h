// SPDX-License-Identifier: Apache-2.0
// Clustering (RecD O2): the order of samples, and where row groups begin.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "onefold/build/partition.h"
#include "onefold/build/request_store.h"

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

struct PlannedRowGroup {
  int64_t period = 0;         // partition.h
  size_t begin = 0, end = 0;  // of ClusterPlan::requests
};

struct ClusterPlan {
  std::vector<RowRef> requests;  // in table order
  std::vector<PlannedRowGroup> row_groups;
  int64_t num_sessions = 0;
  int64_t num_users = 0;
  int64_t num_split_sessions = 0;  // sessions with samples in more than one partition

  std::span<const RowRef> requests_of(const PlannedRowGroup& row_group) const {
    return std::span(requests).subspan(row_group.begin, row_group.end - row_group.begin);
  }
};

ClusterPlan plan_clusters(const RequestStore& store, const ClusterOptions& options);

}  // namespace onefold
