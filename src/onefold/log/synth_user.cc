// SPDX-License-Identifier: Apache-2.0
#include "onefold/log/synth_user.h"

#include <algorithm>
#include <cmath>

#include "onefold/base/hash.h"

namespace onefold {
namespace {

constexpr int64_t kCountries = 30;
constexpr double kMeanDwellSeconds = 40;
constexpr double kMeanNewBetweenSessions = 3;
constexpr uint64_t kStream = 2;

// Appends `value` and drops the oldest beyond `length`.
template <typename T>
void push(std::vector<T>& list, T value, int64_t length) {
  list.push_back(value);
  if (static_cast<int64_t>(list.size()) > length) list.erase(list.begin());
}

}  // namespace

SynthUser::SynthUser(int64_t user, const SynthOptions& options, const SynthTaste& taste)
    : random_(hash64(user, hash64(static_cast<int64_t>(options.seed), kStream))),
      taste_(&taste),
      preferences_(taste.draw_user(random_)),
      list_length_(
          std::llround(static_cast<double>(options.list_length) * (0.5 + random_.uniform()))),
      country_(random_.below(kCountries)),
      activity_(static_cast<float>(random_.normal())),
      lists_(options.lists) {
  see_items(list_length_);
  for (auto& list : lists_) extend_list(list, list_length_);
}

void SynthUser::see_items(int64_t count) {
  for (int64_t i = 0; i < count; ++i) {
    const int64_t item = taste_->draw_liked(preferences_, random_);
    push(history_items_, item, list_length_);
    push(history_topics_, taste_->topic(item), list_length_);
    push(history_dwell_, static_cast<float>(std::ceil(random_.exponential(kMeanDwellSeconds))),
         list_length_);
  }
}

void SynthUser::extend_list(std::vector<int64_t>& list, int64_t count) {
  for (int64_t i = 0; i < count; ++i) {
    push(list, taste_->draw_liked(preferences_, random_), list_length_);
  }
}

void SynthUser::advance_within_session(double change_probability) {
  if (random_.chance(change_probability)) see_items(1);
  for (auto& list : lists_) {
    if (random_.chance(change_probability)) extend_list(list, 1);
  }
}

void SynthUser::advance_between_sessions() {
  see_items(random_.geometric(kMeanNewBetweenSessions));
  for (auto& list : lists_) extend_list(list, random_.geometric(kMeanNewBetweenSessions));
}

}  // namespace onefold
