// SPDX-License-Identifier: Apache-2.0
// PartCursor: walks the users of one part in order, decoding only row groups it stops in.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "onefold/base/status.h"
#include "onefold/timeline/event.h"
#include "onefold/timeline/timeline_merge.h"
#include "onefold/timeline/timeline_part_reader.h"

namespace onefold {

class PartCursor {
 public:
  // Where row groups come from: a TimelinePartReader, or a cache before it.
  using Fetch = std::function<Result<std::shared_ptr<const PartRows>>(int row_group)>;

  PartCursor(std::shared_ptr<const TimelinePartReader> part, Fetch fetch)
      : part_(std::move(part)), fetch_(std::move(fetch)) {}

  // Moves forward to the first user >= `user_id`. Row groups that end before it are skipped
  // unread. REQUIRES: `user_id` is not less than in the seek before.
  Status seek(int64_t user_id);
  Status advance();  // to the next user; REQUIRES: !done() and a seek() before

  bool done() const { return done_; }                       // valid after a seek
  int64_t user_id() const { return rows_->user_id[row_]; }  // REQUIRES: !done()
  // The user's events; valid until the cursor moves to another row group.
  EventRun run() const { return {&rows_->events, rows_->offsets[row_], rows_->offsets[row_ + 1]}; }

 private:
  Status load(int row_group);

  std::shared_ptr<const TimelinePartReader> part_;
  Fetch fetch_;
  std::shared_ptr<const PartRows> rows_;
  int row_group_ = -1;
  int64_t row_ = 0;
  bool done_ = false;
};

// A cursor that reads straight from `part`.
PartCursor cursor_over(std::shared_ptr<TimelinePartReader> part, ColumnSet columns);

}  // namespace onefold
