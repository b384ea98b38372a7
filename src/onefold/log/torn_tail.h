// SPDX-License-Identifier: Apache-2.0
// TornTail: what a log lost at the end of one segment.
#pragma once

#include <cstdint>
#include <string>

namespace onefold {

// A segment whose tail is not a complete block (a killed writer, a cut copy, damaged bytes): its
// complete blocks are delivered, the rest is counted here.
struct TornTail {
  std::string path;
  int64_t num_records = 0;    // delivered from this segment
  int64_t bytes_skipped = 0;  // after the last complete block
  std::string reason;
};

}  // namespace onefold
