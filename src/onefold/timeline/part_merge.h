// SPDX-License-Identifier: Apache-2.0
// PartMerge: walks several parts of one range and timeline together, user by user.
#pragma once

#include <cstdint>
#include <vector>

#include "onefold/base/status.h"
#include "onefold/timeline/part_cursor.h"
#include "onefold/timeline/timeline_merge.h"

namespace onefold {

class PartMerge {
 public:
  PartMerge() = default;
  explicit PartMerge(std::vector<PartCursor> cursors) : cursors_(std::move(cursors)) {}

  // To the first user >= `user_id` of any part. REQUIRES: it ascends from call to call.
  Status seek(int64_t user_id);
  // Past user_id(). REQUIRES: a seek() before, !done().
  Status advance();

  bool done() const;
  int64_t user_id() const;             // REQUIRES: !done()
  std::vector<EventRun> runs() const;  // of user_id(), valid until the merge moves
  bool at(int64_t user_id) const { return !done() && this->user_id() == user_id; }

 private:
  std::vector<PartCursor> cursors_;
};

}  // namespace onefold
