// SPDX-License-Identifier: Apache-2.0
// SessionRepeats: what of a feature's lists was there before in the same session.
#pragma once

#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

#include "onefold/inspect/distinct_set.h"

namespace onefold {

// One feature, fed sample by sample, sessions in any order. Keeps the hashes of a session's lists
// and its last list.
//
// When that passes `max_bytes`, all sessions are forgotten; those that go on begin anew, so the
// counts are then lower bounds. Sessions are short in the order in which tables are stored, by
// session or by time, so few are open at that moment.
class SessionRepeats {
 public:
  explicit SessionRepeats(int64_t max_bytes) : max_bytes_(max_bytes) {}

  // `hash` is that of `list`. An exact repeat of any earlier list of the session counts wholly;
  // otherwise overlap() with the session's previous list counts.
  void add(uint64_t session, uint64_t hash, std::span<const int64_t> list);
  // The list of the last add() once more, in the same session.
  void repeat() { count_exact(current_previous_->size()); }

  int64_t exact() const { return exact_; }                    // samples
  int64_t covered_values() const { return covered_values_; }  // values
  bool forgot_sessions() const { return forgot_sessions_; }

 private:
  void count_exact(size_t num_values) {
    ++exact_;
    covered_values_ += static_cast<int64_t>(num_values);
  }
  void forget();

  const int64_t max_bytes_;
  uint64_t current_session_ = 0;
  std::unordered_map<uint64_t, std::vector<int64_t>> previous_;  // by session
  std::vector<int64_t>* current_previous_ = nullptr;             // of current_session_
  DistinctSet seen_;                                             // (session, hash) pairs
  int64_t bytes_ = 0;                                            // of previous_ and seen_, about
  int64_t exact_ = 0;
  int64_t covered_values_ = 0;
  bool forgot_sessions_ = false;
};

}  // namespace onefold
