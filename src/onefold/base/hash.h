// SPDX-License-Identifier: Apache-2.0
// 64-bit XXH3 (the xxHash library) behind one name, for folding, bucketing and checksums.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "onefold/base/status.h"

namespace onefold {

// XXH3-64 of `size` bytes at `data` with `seed`. Stable across platforms and releases.
uint64_t hash64(const void* data, size_t size, uint64_t seed = 0);

// XXH3-64 of one integer's 8 little-endian bytes: how ids are hashed to buckets.
inline uint64_t hash64(int64_t value, uint64_t seed = 0) {
  return hash64(&value, sizeof(value), seed);
}

// XXH3-64 of a file's bytes, read in blocks; lower-case hex, 16 digits.
Result<std::string> hash_file(const std::string& path);

}  // namespace onefold
