// SPDX-License-Identifier: Apache-2.0
#include "onefold/timeline/part_merge.h"

#include <algorithm>
#include <limits>

namespace onefold {

Status PartMerge::seek(int64_t user_id) {
  for (PartCursor& cursor : cursors_) ONEFOLD_RETURN_IF_ERROR(cursor.seek(user_id));
  return {};
}

Status PartMerge::advance() {
  const int64_t user = user_id();
  for (PartCursor& cursor : cursors_) {
    if (!cursor.done() && cursor.user_id() == user) ONEFOLD_RETURN_IF_ERROR(cursor.advance());
  }
  return {};
}

bool PartMerge::done() const {
  return std::all_of(cursors_.begin(), cursors_.end(),
                     [](const PartCursor& cursor) { return cursor.done(); });
}

int64_t PartMerge::user_id() const {
  int64_t user = std::numeric_limits<int64_t>::max();
  for (const PartCursor& cursor : cursors_) {
    if (!cursor.done()) user = std::min(user, cursor.user_id());
  }
  return user;
}

std::vector<EventRun> PartMerge::runs() const {
  const int64_t user = user_id();
  std::vector<EventRun> runs;
  for (const PartCursor& cursor : cursors_) {
    if (!cursor.done() && cursor.user_id() == user) runs.push_back(cursor.run());
  }
  return runs;
}

}  // namespace onefold
