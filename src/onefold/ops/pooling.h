// SPDX-License-Identifier: Apache-2.0
// How a list of vectors becomes one.
#pragma once

#include <cstdint>

namespace onefold {

enum class Pooling { kSum, kMean };  // an empty list gives zeros either way

// What a pooled row of `length` vectors is multiplied by after summing.
inline double pooling_scale(Pooling pooling, int64_t length) {
  return pooling == Pooling::kMean && length > 0 ? 1.0 / static_cast<double>(length) : 1.0;
}

}  // namespace onefold
