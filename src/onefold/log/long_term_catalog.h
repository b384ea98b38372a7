// SPDX-License-Identifier: Apache-2.0
// LongTermCatalog and LongTermTaste: the planted truth of long_term.h.
//
// Topics have 12 latent factors, users too. With e, e' standard normal numbers of the user's own,
//
//   z(topic)   = sqrt(0.6) * factors(user) . factors(topic) / sqrt(12) + sqrt(0.4) * e(topic)
//   g(author)  = 0.87 * z(topic of author) + 0.5 * e'(author)               variance about 1
//
//   logit P(click)         = -2.2 + 1.2 g(author) + 1.8 [topic of present interest] + 0.3
//   popularity logit P(like | click)  = -0.9 + 0.8 g(author) watch time / duration  = 0.55 + 0.2
//   g(author) + 0.3 u, at least 0.3      if clicked
//
// A taste is drawn from as topic ~ exp(1.3 z), then author of it ~ exp(e'): about twenty topics and
// a hundred authors carry most of it.
#pragma once

#include <cstdint>
#include <vector>

#include "onefold/log/long_term.h"
#include "onefold/log/synth_random.h"

namespace onefold {

inline constexpr int kTopicFactors = 12;

class LongTermCatalog {
 public:
  explicit LongTermCatalog(const LongTermOptions& options);

  int64_t num_authors() const { return static_cast<int64_t>(items_of_author_.size()); }
  int64_t num_topics() const { return num_topics_; }
  int64_t author(int64_t item) const { return author_[item]; }
  // Authors of topic t are t, t + topics, t + 2 topics, ...
  int64_t topic_of_author(int64_t author) const { return author % num_topics_; }
  int64_t topic(int64_t item) const { return topic_of_author(author_[item]); }
  float duration_seconds(int64_t item) const { return duration_seconds_[item]; }
  float popularity(int64_t item) const { return popularity_[item]; }
  const char* media_type(int64_t item) const { return item % 5 == 0 ? "photo" : "video"; }
  float factor(int64_t topic, int k) const { return factors_[topic * kTopicFactors + k]; }

  // An item of the author; the first of its items come more often.
  int64_t draw_item(int64_t author, SynthRandom& random) const;
  int64_t draw_author_of_topic(int64_t topic, SynthRandom& random) const;

 private:
  int64_t num_topics_;
  std::vector<int32_t> author_;                       // [items]
  std::vector<float> duration_seconds_, popularity_;  // [items]
  std::vector<std::vector<int32_t>> items_of_author_;
  std::vector<float> factors_;  // [topics * kTopicFactors]
};

class LongTermTaste {
 public:
  LongTermTaste(const LongTermCatalog& catalog, SynthRandom& random);

  float affinity(int64_t author) const { return affinity_[author]; }  // g
  int64_t draw_topic(SynthRandom& random) const;
  int64_t draw_author_of_topic(int64_t topic, SynthRandom& random) const;

 private:
  int64_t num_topics_;
  std::vector<float> affinity_;           // [authors]
  std::vector<float> cumulative_topic_;   // [topics]
  std::vector<float> cumulative_author_;  // [authors], within each topic
};

double click_probability(float affinity, bool of_present_interest, float popularity);
double like_probability(float affinity);  // of what is clicked

}  // namespace onefold
