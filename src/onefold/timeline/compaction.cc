// SPDX-License-Identifier: Apache-2.0
#include "onefold/timeline/compaction.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <vector>

#include "onefold/timeline/part_sequence.h"
#include "onefold/timeline/timeline_walk.h"

namespace onefold {
namespace {

// Compacts all ranges of one timeline. What stays and what is written, in the order of a manifest.
class TimelineCompaction {
 public:
  TimelineCompaction(const TimelineStore& store, TimelineKind kind,
                     const TimelinePartOptions& options)
      : store_(store), kind_(kind), written_(store, kind, options) {}

  Status compact_range(int range, int max_parts) {
    const TimelineManifest& manifest = store_.manifest();
    range_starts_.push_back(manifest.range_starts[static_cast<int>(kind_)][range]);
    std::vector<TimelinePart> parts;
    std::vector<int64_t> sizes;
    for (int index : manifest.parts_of(kind_, range)) {
      parts.push_back(manifest.parts[index]);
      sizes.push_back(parts.back().num_events);
    }
    const bool split =
        std::accumulate(sizes.begin(), sizes.end(), int64_t{0}) > 2 * manifest.range_events &&
        parts.size() > 1;  // a single part is a single user, or was split before
    const auto first = static_cast<int64_t>(split ? 0 : first_to_merge(sizes, max_parts));
    parts_.insert(parts_.end(), parts.begin(), parts.begin() + first);
    parts.erase(parts.begin(), parts.begin() + first);
    return parts.empty() ? Status() : merge(parts, split);
  }

  int64_t num_written() const { return num_written_; }
  const std::vector<TimelinePart>& parts() const { return parts_; }
  const std::vector<int64_t>& range_starts() const { return range_starts_; }

 private:
  Status merge(const std::vector<TimelinePart>& parts, bool split) {
    const TimelineManifest& manifest = store_.manifest();
    ONEFOLD_ASSIGN_OR_RETURN(PartMerge merge,
                             merge_of(store_.directory(), parts, ColumnSet::all()));
    ONEFOLD_RETURN_IF_ERROR(merge.seek(std::numeric_limits<int64_t>::min()));
    EventColumns events;
    while (!merge.done()) {
      if (split && written_.open_events() >= manifest.range_events) {
        range_starts_.push_back(merge.user_id());
        ONEFOLD_RETURN_IF_ERROR(written_.end_part());
      }
      events.clear();
      merge_runs(merge.runs(), manifest.max_events[static_cast<int>(kind_)], ColumnSet::all(),
                 events);
      ONEFOLD_RETURN_IF_ERROR(written_.add(merge.user_id(), events));
      ONEFOLD_RETURN_IF_ERROR(merge.advance());
    }
    ONEFOLD_RETURN_IF_ERROR(written_.end_part());
    for (TimelinePart& part : written_.take()) {
      parts_.push_back(std::move(part));
      ++num_written_;
    }
    return {};
  }

  const TimelineStore& store_;
  TimelineKind kind_;
  PartSequence written_;
  int64_t num_written_ = 0;
  std::vector<TimelinePart> parts_;
  std::vector<int64_t> range_starts_;
};

}  // namespace

size_t first_to_merge(std::span<const int64_t> num_events, int max_parts) {
  const size_t num_parts = num_events.size();
  if (num_parts <= static_cast<size_t>(max_parts)) return num_parts;
  // At least so many that max_parts are left.
  size_t first = static_cast<size_t>(max_parts) - 1;
  int64_t total = 0;
  for (size_t i = first; i < num_parts; ++i) total += num_events[i];
  while (first > 0 && num_events[first - 1] <= 2 * total) total += num_events[--first];
  return first;
}

Result<int64_t> compact(TimelineStore& store, int max_parts, const TimelinePartOptions& options) {
  ONEFOLD_CHECK(max_parts >= 1, "max_parts is at least 1");
  TimelineManifest manifest = store.manifest();
  manifest.parts.clear();
  int64_t written = 0;
  for (TimelineKind kind : kTimelineKinds) {
    TimelineCompaction compaction(store, kind, options);
    for (int range = 0; range < store.manifest().num_ranges(kind); ++range) {
      ONEFOLD_RETURN_IF_ERROR(compaction.compact_range(range, max_parts));
    }
    written += compaction.num_written();
    manifest.parts.insert(manifest.parts.end(), compaction.parts().begin(),
                          compaction.parts().end());
    manifest.range_starts[static_cast<int>(kind)] = compaction.range_starts();
  }
  if (written == 0) return written;
  ++manifest.version.generation;
  manifest.history.push_back({.generation = manifest.version.generation, .kind = "compact"});
  ONEFOLD_RETURN_IF_ERROR(store.commit(std::move(manifest)));
  return written;
}

}  // namespace onefold
