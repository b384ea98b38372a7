// SPDX-License-Identifier: Apache-2.0
#include "onefold/log/long_term_catalog.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "onefold/base/hash.h"

namespace onefold {
namespace {

constexpr uint64_t kStream = 11;
constexpr double kSharedVariance = 0.6;
constexpr double kTopicWeight = 0.87, kAuthorWeight = 0.5;
constexpr double kTopicSharpness = 1.3, kAuthorSharpness = 1;

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

}  // namespace

LongTermCatalog::LongTermCatalog(const LongTermOptions& options)
    : num_topics_(options.topics), items_of_author_(options.authors) {
  SynthRandom random(hash64(options.items, hash64(static_cast<int64_t>(options.seed), kStream)));
  for (int64_t item = 0; item < options.items; ++item) {
    // The first items make sure that no author is empty.
    const int64_t author = item < options.authors ? item : random.below(options.authors);
    author_.push_back(static_cast<int32_t>(author));
    items_of_author_[author].push_back(static_cast<int32_t>(item));
    duration_seconds_.push_back(static_cast<float>(20 * std::exp(0.7 * random.normal())));
    popularity_.push_back(static_cast<float>(random.normal()));
  }
  factors_.resize(options.topics * kTopicFactors);
  for (float& factor : factors_) factor = static_cast<float>(random.normal());
}

int64_t LongTermCatalog::draw_item(int64_t author, SynthRandom& random) const {
  const std::vector<int32_t>& items = items_of_author_[author];
  const double u = random.uniform();
  return items[static_cast<size_t>(u * u * static_cast<double>(items.size()))];
}

int64_t LongTermCatalog::draw_author_of_topic(int64_t topic, SynthRandom& random) const {
  const int64_t count = (num_authors() - topic + num_topics_ - 1) / num_topics_;
  return topic + num_topics_ * random.below(count);
}

LongTermTaste::LongTermTaste(const LongTermCatalog& catalog, SynthRandom& random)
    : num_topics_(catalog.num_topics()),
      affinity_(catalog.num_authors()),
      cumulative_topic_(catalog.num_topics()),
      cumulative_author_(catalog.num_authors()) {
  std::array<double, kTopicFactors> factors;
  for (double& factor : factors) factor = random.normal();
  double topics = 0;
  for (int64_t topic = 0; topic < num_topics_; ++topic) {
    double shared = 0;
    for (int k = 0; k < kTopicFactors; ++k) shared += factors[k] * catalog.factor(topic, k);
    const double z = std::sqrt(kSharedVariance / kTopicFactors) * shared +
                     std::sqrt(1 - kSharedVariance) * random.normal();
    topics += std::exp(kTopicSharpness * z);
    cumulative_topic_[topic] = static_cast<float>(topics);
    double authors = 0;
    for (int64_t author = topic; author < catalog.num_authors(); author += num_topics_) {
      const double own = random.normal();
      affinity_[author] = static_cast<float>(kTopicWeight * z + kAuthorWeight * own);
      authors += std::exp(kAuthorSharpness * own);
      cumulative_author_[author] = static_cast<float>(authors);
    }
  }
}

int64_t LongTermTaste::draw_topic(SynthRandom& random) const {
  const auto at = static_cast<float>(random.uniform() * cumulative_topic_.back());
  const auto found = std::upper_bound(cumulative_topic_.begin(), cumulative_topic_.end() - 1, at);
  return found - cumulative_topic_.begin();
}

int64_t LongTermTaste::draw_author_of_topic(int64_t topic, SynthRandom& random) const {
  const auto num_authors = static_cast<int64_t>(affinity_.size());
  const int64_t last = topic + (num_authors - 1 - topic) / num_topics_ * num_topics_;
  const auto at = static_cast<float>(random.uniform() * cumulative_author_[last]);
  int64_t author = topic;
  while (author < last && cumulative_author_[author] <= at) author += num_topics_;
  return author;
}

double click_probability(float affinity, bool of_present_interest, float popularity) {
  return sigmoid(-2.2 + 1.2 * affinity + (of_present_interest ? 1.8 : 0) + 0.3 * popularity);
}

double like_probability(float affinity) { return sigmoid(-0.9 + 0.8 * affinity); }

}  // namespace onefold
