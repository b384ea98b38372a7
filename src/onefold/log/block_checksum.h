// SPDX-License-Identifier: Apache-2.0
// The checksum of a block: over the records themselves, not over the bytes of the file, so that
// it also guards compression and decoding. Chained XXH3-64:
//
//   h = 0;  for each array in order: h = XXH3_64(its little-endian bytes, seed = h)
//
// Arrays of a feature block: session_id, user_id, request_id, time_us, user_dense (row major),
// offsets and values of each other user feature, candidate_offsets, item_id, item_dense, offsets
// and values of each other item feature. Of an event block: session_id, user_id, request_id,
// item_id, time_us, value, then each action's bytes.
#pragma once

#include <string>

#include "onefold/log/record.h"

namespace onefold {

// 16 lower-case hex digits.
std::string block_checksum(const FeatureRecords& records);
std::string block_checksum(const EventRecords& records);

}  // namespace onefold
