// SPDX-License-Identifier: Apache-2.0
// TimelineWalk: all users of one timeline in ascending order, range after range, the parts of a
// range merged.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "onefold/base/status.h"
#include "onefold/timeline/part_merge.h"
#include "onefold/timeline/timeline_manifest.h"

namespace onefold {

class TimelineWalk {
 public:
  using OpenRange = std::function<Result<PartMerge>(int range)>;

  TimelineWalk() = default;  // no users
  // `range_starts` as in TimelineManifest. `open` is called for a range when the walk gets there.
  TimelineWalk(std::vector<int64_t> range_starts, OpenRange open)
      : range_starts_(std::move(range_starts)), open_(std::move(open)) {}

  // To the first user >= `user_id`. REQUIRES: it ascends from call to call.
  Status seek(int64_t user_id);
  // Past user_id(). REQUIRES: a seek() before, !done().
  Status advance();

  bool done() const { return merge_.done(); }
  int64_t user_id() const { return merge_.user_id(); }  // REQUIRES: !done()
  bool at(int64_t user_id) const { return merge_.at(user_id); }
  std::vector<EventRun> runs() const { return merge_.runs(); }  // valid until the walk moves

 private:
  Status leave_finished_ranges();

  std::vector<int64_t> range_starts_;
  OpenRange open_;
  int range_ = -1;
  PartMerge merge_;  // of range_
};

// A walk over the parts of `manifest` in `directory`, reading `columns` straight from the files.
TimelineWalk walk_over(const std::string& directory, const TimelineManifest& manifest,
                       TimelineKind timeline, ColumnSet columns);

// The merge of these parts, read straight from their files.
Result<PartMerge> merge_of(const std::string& directory, const std::vector<TimelinePart>& parts,
                           ColumnSet columns);

}  // namespace onefold
