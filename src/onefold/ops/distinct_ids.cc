// SPDX-License-Identifier: Apache-2.0
#include "onefold/ops/distinct_ids.h"

namespace onefold {

int64_t DistinctIds::add(std::span<const int64_t> ids, std::span<int64_t> positions) {
  for (size_t i = 0; i < ids.size(); ++i) {
    const auto id = static_cast<uint64_t>(ids[i]);  // a negative id becomes a huge one
    if (id >= slot_.size()) return static_cast<int64_t>(i);
    positions[i] = number(ids[i]);
  }
  return -1;
}

void DistinctIds::clear() {
  for (int64_t id : ids_) slot_[id] = kNone;
  ids_.clear();
}

}  // namespace onefold
