// SPDX-License-Identifier: Apache-2.0
// Down-sampling by seeded hashes: what is kept does not depend on the order of the log, and a lower
// rate keeps a part of what a higher one keeps.
#pragma once

#include <cstdint>

#include "onefold/base/hash.h"

namespace onefold {

struct SamplingOptions {
  double session_rate = 1;   // of sessions, kept or dropped whole
  double negative_rate = 1;  // of candidates whose labels are all 0
  uint64_t seed = 1;
};

// Whether something with this hash is among the fraction `rate`.
inline bool is_sampled(uint64_t hash, double rate) {
  return rate >= 1 || static_cast<double>(hash >> 11) < rate * 9007199254740992.0;  // 2^53
}

inline bool keeps_session(const SamplingOptions& options, int64_t session_id) {
  return options.session_rate >= 1 ||
         is_sampled(hash64(session_id, options.seed), options.session_rate);
}

// `candidate` is the place among the request's candidates.
inline bool keeps_negative(const SamplingOptions& options, int64_t request_id, int64_t candidate) {
  if (options.negative_rate >= 1) return true;
  const uint64_t of_request = hash64(request_id, ~options.seed);
  return is_sampled(hash64(candidate, of_request), options.negative_rate);
}

}  // namespace onefold
