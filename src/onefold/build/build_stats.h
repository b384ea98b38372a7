// SPDX-License-Identifier: Apache-2.0
// BuildStats: what a build read, joined, left out and wrote. Nothing is dropped without a count.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "onefold/build/join.h"
#include "onefold/embedding_store/embedding_join.h"
#include "onefold/table/manifest.h"

namespace onefold {

struct LabelStats {
  std::string name;
  int64_t positives = 0;  // samples whose label is not 0
  int64_t events = 0;     // that made them; an item clicked twice has two
  double sum = 0;
};

struct BuildStats {
  int64_t requests = 0;              // that made samples
  int64_t duplicate_requests = 0;    // request id seen before; left out
  int64_t empty_requests = 0;        // without candidates; left out
  int64_t outside_requests = 0;      // of another time than asked for; left out with their events
  int64_t sampled_out_requests = 0;  // of sessions that down-sampling dropped; likewise
  JoinStats join;
  int64_t torn_segments = 0;  // of the log; their complete blocks were read
  int64_t torn_bytes = 0;     // bytes skipped in them

  int64_t samples = 0;
  int64_t sessions = 0;
  int64_t users = 0;
  int64_t negatives = 0;  // candidates whose labels are all 0, before down-sampling
  int64_t kept_negatives = 0;
  int64_t split_sessions = 0;  // with samples in more than one partition
  std::vector<LabelStats> labels;
  std::vector<GroupStats> groups;  // stored values; plain tables have none

  std::optional<EmbeddingJoinCounts> embeddings;  // if they were joined

  int64_t row_groups = 0;
  int64_t files = 0;
  int64_t log_bytes = 0;
  int64_t table_bytes = 0;  // data files, without the manifest
  double seconds = 0;

  int threads = 0;
  int64_t memory_limit = 0;
  int64_t peak_memory = 0;  // of the process, program and libraries included
  int64_t spilled_bytes = 0;
  int64_t spilled_runs = 0;  // of requests, merged again
};

nlohmann::json to_json(const BuildStats& stats);

// A few lines for a person to read, ending in a newline.
std::string to_text(const BuildStats& stats);

}  // namespace onefold
