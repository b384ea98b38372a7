// SPDX-License-Identifier: Apache-2.0
#include "onefold/log/synth_taste.h"

#include <algorithm>
#include <cmath>

#include "onefold/base/hash.h"

namespace onefold {
namespace {

constexpr double kBias = -4, kPreferred = 3, kPopularity = 0.3;
constexpr double kLikedFromTaste = 0.9;      // the rest of a history is chance
constexpr double kCandidateFromTaste = 0.3;  // what an earlier ranking stage got right
constexpr int64_t kTags = 100;

}  // namespace

SynthTaste::SynthTaste(const SynthOptions& options) : items_of_topic_(options.topics) {
  SynthRandom random(hash64(options.items, options.seed));
  for (int64_t item = 0; item < options.items; ++item) {
    // The first items make sure that no topic is empty.
    topic_.push_back(item < options.topics ? item : random.below(options.topics));
    items_of_topic_[topic_.back()].push_back(item);
    popularity_.push_back(static_cast<float>(random.normal()));
    published_day_.push_back(static_cast<float>(-random.exponential(30)));
  }
}

UserTaste SynthTaste::draw_user(SynthRandom& random) const {
  const int64_t num_topics = static_cast<int64_t>(items_of_topic_.size());
  UserTaste taste;
  double sum = 0;
  while (taste.topics.size() <
         static_cast<size_t>(std::min<int64_t>(kPreferredTopics, num_topics))) {
    const int64_t topic = random.below(num_topics);
    if (std::find(taste.topics.begin(), taste.topics.end(), topic) != taste.topics.end()) continue;
    taste.topics.push_back(topic);
    taste.weights.push_back(0.3 + random.uniform());
    sum += taste.weights.back();
  }
  std::sort(taste.weights.rbegin(), taste.weights.rend());
  for (double& weight : taste.weights) weight /= sum;
  return taste;
}

int64_t SynthTaste::draw_item(int64_t topic, SynthRandom& random) const {
  const auto& items = items_of_topic_[topic];
  const double u = random.uniform();
  // Squaring favours the front of the list: the first tenth of a topic gets a third of the draws.
  return items[static_cast<size_t>(u * u * static_cast<double>(items.size()))];
}

int64_t SynthTaste::draw_topic(const UserTaste& user, SynthRandom& random) const {
  double left = random.uniform();
  for (size_t p = 0; p < user.topics.size(); ++p) {
    left -= user.weights[p];
    if (left < 0) return user.topics[p];
  }
  return user.topics.back();
}

int64_t SynthTaste::draw_liked(const UserTaste& user, SynthRandom& random) const {
  const bool from_taste = random.chance(kLikedFromTaste);
  const int64_t topic = from_taste ? draw_topic(user, random)
                                   : random.below(static_cast<int64_t>(items_of_topic_.size()));
  return draw_item(topic, random);
}

int64_t SynthTaste::draw_candidate(const UserTaste& user, SynthRandom& random) const {
  const bool from_taste = random.chance(kCandidateFromTaste);
  const int64_t topic = from_taste ? draw_topic(user, random)
                                   : random.below(static_cast<int64_t>(items_of_topic_.size()));
  return draw_item(topic, random);
}

double SynthTaste::click_probability(const UserTaste& user, int64_t item) const {
  double logit = kBias + kPopularity * popularity_[item];
  for (size_t p = 0; p < user.topics.size(); ++p) {
    if (user.topics[p] == topic_[item]) logit += kPreferred + user.weights[p] / user.weights[0];
  }
  return 1 / (1 + std::exp(-logit));
}

int64_t SynthTaste::tag(int64_t item, int64_t which) const {
  return static_cast<int64_t>(hash64(item, static_cast<uint64_t>(which) + 1) % kTags);
}

}  // namespace onefold
