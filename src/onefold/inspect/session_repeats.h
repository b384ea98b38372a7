// SPDX-License-Identifier: Apache-2.0
// SessionRepeats: what of a feature's lists was there before in the same session.
#pragma once

#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

#include "onefold/inspect/distinct_set.h"

namespace onefold {

// One feature, fed sample by sample. Keeps the hashes of a session's lists and the last list.
class SessionRepeats {
 public:
  // With `contiguous`, a session is forgotten when another one begins.
  explicit SessionRepeats(bool contiguous) : contiguous_(contiguous) {}

  // `hash` is that of `list`. An exact repeat of any earlier list of the session counts wholly;
  // otherwise overlap() with the session's previous list counts.
  void add(uint64_t session, uint64_t hash, std::span<const int64_t> list);
  // The session's previous list once more, `length` values long.
  void repeat(int64_t length) {
    ++exact_;
    covered_values_ += length;
  }

  int64_t exact() const { return exact_; }                    // samples
  int64_t covered_values() const { return covered_values_; }  // values

 private:
  const bool contiguous_;
  uint64_t current_session_ = 0;
  std::unordered_map<uint64_t, std::vector<int64_t>> previous_;  // by session
  std::vector<int64_t>* current_previous_ = nullptr;             // of current_session_
  DistinctSet seen_;                                             // (session, hash) pairs
  int64_t exact_ = 0;
  int64_t covered_values_ = 0;
};

}  // namespace onefold
