// SPDX-License-Identifier: Apache-2.0
// SynthUser: one user's state as time goes on: taste, history, other lists.
#pragma once

#include <cstdint>
#include <vector>

#include "onefold/log/synth.h"
#include "onefold/log/synth_random.h"
#include "onefold/log/synth_taste.h"

namespace onefold {

class SynthUser {
 public:
  // All random numbers of a user come from one sequence of their own, so that a user's log does
  // not depend on who else there is.
  SynthUser(int64_t user, const SynthOptions& options, const SynthTaste& taste);

  // What happened since the last request: new values at the end, oldest ones dropped.
  void advance_within_session(double change_probability);
  void advance_between_sessions();

  SynthRandom& random() { return random_; }
  const UserTaste& taste() const { return preferences_; }
  const std::vector<int64_t>& history_items() const { return history_items_; }
  const std::vector<int64_t>& history_topics() const { return history_topics_; }
  const std::vector<float>& history_dwell() const { return history_dwell_; }  // seconds
  const std::vector<int64_t>& list(int64_t index) const { return lists_[index]; }
  int64_t country() const { return country_; }
  float activity() const { return activity_; }

 private:
  void see_items(int64_t count);
  void extend_list(std::vector<int64_t>& list, int64_t count);

  SynthRandom random_;
  const SynthTaste* taste_;
  UserTaste preferences_;
  int64_t list_length_;
  int64_t country_;
  float activity_;
  std::vector<int64_t> history_items_, history_topics_;
  std::vector<float> history_dwell_;
  std::vector<std::vector<int64_t>> lists_;
};

}  // namespace onefold
