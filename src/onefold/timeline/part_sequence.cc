// SPDX-License-Identifier: Apache-2.0
#include "onefold/timeline/part_sequence.h"

#include <utility>

namespace onefold {

Status PartSequence::add(int64_t user_id, const EventColumns& events) {
  if (!writer_) {
    const std::string path =
        part_path(timeline_, store_.manifest().version.generation + 1, number_++);
    ONEFOLD_ASSIGN_OR_RETURN(writer_, TimelinePartWriter::create(store_.path_of(path), options_));
  }
  return writer_->add(user_id, events);
}

Status PartSequence::end_part() {
  if (!writer_) return {};
  ONEFOLD_ASSIGN_OR_RETURN(TimelinePart part, writer_->close());
  writer_.reset();
  part.timeline = timeline_;
  part.generation = store_.manifest().version.generation + 1;
  part.path = part_path(timeline_, part.generation, number_ - 1);
  parts_.push_back(std::move(part));
  return {};
}

std::vector<TimelinePart> PartSequence::take() {
  ONEFOLD_CHECK(!writer_, "a part is still open");
  return std::exchange(parts_, {});
}

}  // namespace onefold
