// SPDX-License-Identifier: Apache-2.0
// Holdout: a split of the samples by session, so that no session is on both sides.
#pragma once

#include <cstdint>

#include "onefold/base/hash.h"

namespace onefold {

struct Holdout {
  double begin = 0, end = 0;  // part of [0, 1) that is held out; empty: nothing is
  bool exclude = true;        // keep all but the held-out sessions; false: only those

  bool keeps_everything() const { return exclude && begin == end; }
  bool keeps(int64_t session_id) const {
    const double position = session_position(session_id);
    return (position >= begin && position < end) != exclude;
  }

  // The session's place in [0, 1): the upper 53 bits of its hash, all that a double can hold.
  static double session_position(int64_t session_id) {
    return static_cast<double>(hash64(session_id) >> 11) * 0x1p-53;
  }
};

}  // namespace onefold
