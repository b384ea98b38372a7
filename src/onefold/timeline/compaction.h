// SPDX-License-Identifier: Apache-2.0
// Compaction: merging the parts of a range, so that readers merge few, and splitting ranges that
// have grown.
#pragma once

#include <cstdint>
#include <span>

#include "onefold/base/status.h"
#include "onefold/timeline/timeline_part_writer.h"
#include "onefold/timeline/timeline_store.h"

namespace onefold {

// Which parts to merge: the index of the first of `num_events` (oldest part first) such that it
// and all after it become one part; num_events.size() for none. Up to `max_parts` parts stay.
// Then the newest are merged, together with every older part of at most twice their size: an event
// is rewritten a number of times that grows with the logarithm of its range.
//
//   max_parts 3, {1000, 90, 60, 8}  ->  1: 90, 60 and 8 become 158;  1000 > 2 * 158 stays
size_t first_to_merge(std::span<const int64_t> num_events, int max_parts);

// Merges the parts of every range that has more than `max_parts` of a timeline, and all parts of
// every range with more than twice range_events into several ranges. Commits if there was anything
// to do. Returns the number of parts written.
Result<int64_t> compact(TimelineStore& store, int max_parts, const TimelinePartOptions& options);

}  // namespace onefold
