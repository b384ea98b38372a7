// SPDX-License-Identifier: Apache-2.0
#include "onefold/timeline/timeline_walk.h"

#include <algorithm>
#include <limits>

namespace onefold {

Status TimelineWalk::seek(int64_t user_id) {
  const auto above = std::upper_bound(range_starts_.begin(), range_starts_.end(), user_id);
  const int range = static_cast<int>(above - range_starts_.begin()) - 1;
  if (range > range_) {
    ONEFOLD_ASSIGN_OR_RETURN(merge_, open_(range));
    range_ = range;
  }
  ONEFOLD_RETURN_IF_ERROR(merge_.seek(user_id));
  return leave_finished_ranges();
}

Status TimelineWalk::advance() {
  ONEFOLD_RETURN_IF_ERROR(merge_.advance());
  return leave_finished_ranges();
}

Status TimelineWalk::leave_finished_ranges() {
  while (merge_.done() && range_ + 1 < static_cast<int>(range_starts_.size())) {
    ONEFOLD_ASSIGN_OR_RETURN(merge_, open_(range_ + 1));
    ++range_;
    ONEFOLD_RETURN_IF_ERROR(merge_.seek(std::numeric_limits<int64_t>::min()));
  }
  return {};
}

Result<PartMerge> merge_of(const std::string& directory, const std::vector<TimelinePart>& parts,
                           ColumnSet columns) {
  std::vector<PartCursor> cursors;
  for (const TimelinePart& part : parts) {
    ONEFOLD_ASSIGN_OR_RETURN(auto opened, TimelinePartReader::open(directory + "/" + part.path));
    cursors.push_back(cursor_over(std::move(opened), columns));
  }
  return PartMerge(std::move(cursors));
}

TimelineWalk walk_over(const std::string& directory, const TimelineManifest& manifest,
                       TimelineKind timeline, ColumnSet columns) {
  return TimelineWalk(manifest.range_starts[static_cast<int>(timeline)],
                      [directory, manifest, timeline, columns](int range) -> Result<PartMerge> {
                        std::vector<TimelinePart> parts;
                        for (int part : manifest.parts_of(timeline, range)) {
                          parts.push_back(manifest.parts[part]);
                        }
                        return merge_of(directory, parts, columns);
                      });
}

}  // namespace onefold
