// SPDX-License-Identifier: Apache-2.0
// Decoding all blocks of a segment: what LogReader does to deliver records and LogWriter to find
// where a killed writer's last complete block ends.
#pragma once

#include <utility>

#include "onefold/log/segment_reader.h"

namespace onefold {

// Calls `visit(Records&&)` for each complete block; its first error ends the walk and is returned.
// Damage does not: see reader.torn_tail() afterwards.
template <typename Codec, typename Visit>
Status visit_blocks(SegmentReader& reader, const Codec& codec, const Visit& visit) {
  while (auto block = reader.next()) {
    auto records = codec.decode(*block);
    if (!records.ok()) {
      reader.reject(records.status().message());
      break;
    }
    ONEFOLD_RETURN_IF_ERROR(visit(*std::move(records)));
  }
  return {};
}

}  // namespace onefold
