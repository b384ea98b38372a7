// SPDX-License-Identifier: Apache-2.0
// SynthTaste: the planted truth. Which topic an item has, which topics a user prefers, and the
// probability of a click.
//
//   logit P(click) = -4 + 3 [topic preferred] + relative weight of that topic + 0.3 popularity
//
// relative weight: 1 for the user's strongest topic, less for the others; popularity: one standard
// normal number per item. Preferred topics are clicked in 33 to 50 % of cases, others in 2 %.
#pragma once

#include <cstdint>
#include <vector>

#include "onefold/log/synth.h"
#include "onefold/log/synth_random.h"

namespace onefold {

inline constexpr int kPreferredTopics = 3;  // or as many as there are

struct UserTaste {
  std::vector<int64_t> topics;  // [P] distinct, strongest first
  std::vector<double> weights;  // [P] sum to 1
};

class SynthTaste {
 public:
  explicit SynthTaste(const SynthOptions& options);

  UserTaste draw_user(SynthRandom& random) const;
  // An item the user would go for: of a preferred topic nine times in ten.
  int64_t draw_liked(const UserTaste& user, SynthRandom& random) const;
  // An item to be shown: of a preferred topic about four times in ten.
  int64_t draw_candidate(const UserTaste& user, SynthRandom& random) const;

  double click_probability(const UserTaste& user, int64_t item) const;

  int64_t topic(int64_t item) const { return topic_[item]; }
  int64_t tag(int64_t item, int64_t which) const;                            // 0 .. 99
  double published_day(int64_t item) const { return published_day_[item]; }  // <= 0

 private:
  int64_t draw_item(int64_t topic, SynthRandom& random) const;
  int64_t draw_topic(const UserTaste& user, SynthRandom& random) const;

  std::vector<int64_t> topic_;                        // [items]
  std::vector<float> popularity_, published_day_;     // [items]
  std::vector<std::vector<int64_t>> items_of_topic_;  // [topics]
};

}  // namespace onefold
