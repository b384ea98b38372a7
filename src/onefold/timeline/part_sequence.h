// SPDX-License-Identifier: Apache-2.0
// PartSequence: the parts that one commit writes of one timeline, user by user.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "onefold/base/status.h"
#include "onefold/timeline/timeline_part_writer.h"
#include "onefold/timeline/timeline_store.h"

namespace onefold {

class PartSequence {
 public:
  // Writes into the store's directory, for the generation after its current one.
  PartSequence(const TimelineStore& store, TimelineKind timeline,
               const TimelinePartOptions& options)
      : store_(store), timeline_(timeline), options_(options) {}

  // Adds a user to the open part, or to a new one. REQUIRES: users ascend; events are not none.
  Status add(int64_t user_id, const EventColumns& events);
  // Ends the open part, if any: the next user begins another.
  Status end_part();
  int64_t open_events() const { return writer_ ? writer_->num_events() : 0; }

  // The finished parts. REQUIRES: end_part() was called.
  std::vector<TimelinePart> take();

 private:
  const TimelineStore& store_;
  TimelineKind timeline_;
  TimelinePartOptions options_;
  std::unique_ptr<TimelinePartWriter> writer_;
  int number_ = 0;  // of the next part
  std::vector<TimelinePart> parts_;
};

}  // namespace onefold
