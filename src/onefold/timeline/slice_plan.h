// SPDX-License-Identifier: Apache-2.0
// SlicePlan: a slice set as pooling wants it: what differs in the window alone is one predicate.
//
//   slices       liked.item.full  liked.item.7d  seen.item.full      (of one timeline)
//   predicates   0 liked.item     1 seen.item                        one bit of an event's mask
//   each windows      0 full           1 7d places       (0, 0)           (0, 1)         (1, 0)
//   slice -> (predicate, window)
//
// So 204 slices of three windows are 68 predicates: a mask of two words, and every event's row is
// added 68 times at most, whatever the windows.
#pragma once

#include <cstdint>
#include <vector>

#include "onefold/timeline/slice_set.h"

namespace onefold {

struct SlicePlace {
  int slice = 0;      // of the set
  int predicate = 0;  // of the plan
  int window = 0;     // index into windows_us
  bool operator==(const SlicePlace&) const = default;
};

struct SlicePlan {
  TimelineKind timeline = TimelineKind::kExplicit;
  // Each rule once with window full, table group by table group. Compile it (CompiledSlices) for
  // masks whose bit p is predicate p.
  SliceSet predicates;
  // Predicates of table group predicates.table_groups()[g] are [group_offsets[g],
  // group_offsets[g + 1]). [table_groups().size() + 1]
  std::vector<int> group_offsets;
  std::vector<int64_t> windows_us;  // distinct, as Slice::window_us
  std::vector<SlicePlace> places;   // of every slice of the timeline, in the order of the set
};

SlicePlan plan_slices(const SliceSet& slices, TimelineKind timeline);

}  // namespace onefold
