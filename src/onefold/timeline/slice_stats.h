// SPDX-License-Identifier: Apache-2.0
// slice_stats: what every slice of a set selects from timelines, at one cut-off.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "onefold/base/status.h"
#include "onefold/timeline/slice_set.h"

namespace onefold {

struct SliceCoverage {
  int64_t num_users = 0;  // with at least one event in the slice
  int64_t num_events = 0;
  // The slice of the same timeline and id column with the greatest share of common events,
  // |both| / |either|; -1 when none has any.
  int most_similar = -1;
  double overlap = 0;
};

struct SliceStats {
  SliceSet slices;
  std::vector<SliceCoverage> coverage;  // [slices.size()]
  int64_t cutoff_us = 0;
  int64_t num_users = 0;                               // of the timelines
  std::array<int64_t, kNumTimelines> num_events = {};  // before the cut-off
  std::vector<std::string> unknown_names;              // CompiledSlices::unknown_names
};

// Reads all timelines once, in bounded memory. Without `cutoff_us`: after the newest event.
Result<SliceStats> slice_stats(const std::string& timelines, const SliceSet& slices,
                               std::optional<int64_t> cutoff_us = std::nullopt);

std::string to_text(const SliceStats& stats);
nlohmann::json to_json(const SliceStats& stats);

}  // namespace onefold
