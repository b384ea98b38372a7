// SPDX-License-Identifier: Apache-2.0
#include "onefold/train/auc.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <vector>

#include "onefold/base/check.h"

namespace onefold {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

// Mann-Whitney: positives' ranks summed, equal scores sharing their mean rank. Sorts `order`.
double auc_of(std::span<int32_t> order, std::span<const float> scores,
              std::span<const float> labels) {
  std::sort(order.begin(), order.end(),
            [&](int32_t a, int32_t b) { return scores[a] < scores[b]; });
  double positives = 0, rank_sum = 0;
  for (size_t first = 0; first < order.size();) {
    size_t last = first;
    double tied = 0;
    for (; last < order.size() && scores[order[last]] == scores[order[first]]; ++last) {
      tied += labels[order[last]] > 0.5f;
    }
    positives += tied;
    rank_sum += tied * (static_cast<double>(first + last + 1) / 2);  // ranks first + 1 ... last
    first = last;
  }
  const double negatives = static_cast<double>(order.size()) - positives;
  if (positives == 0 || negatives == 0) return kNaN;
  return (rank_sum - positives * (positives + 1) / 2) / (positives * negatives);
}

std::vector<int32_t> iota(size_t count) {
  std::vector<int32_t> order(count);
  std::iota(order.begin(), order.end(), 0);
  return order;
}

void check_sizes(std::span<const float> scores, std::span<const float> labels) {
  ONEFOLD_CHECK(scores.size() == labels.size(), "one label per score");
  // A NaN has no place in an order, and a loop over equal scores would not end.
  for (float score : scores) ONEFOLD_CHECK(score == score, "a score is NaN");
}

}  // namespace

double auc(std::span<const float> scores, std::span<const float> labels) {
  check_sizes(scores, labels);
  std::vector<int32_t> order = iota(scores.size());
  return auc_of(order, scores, labels);
}

double grouped_auc(std::span<const float> scores, std::span<const float> labels,
                   std::span<const int64_t> groups, int64_t* num_groups) {
  check_sizes(scores, labels);
  ONEFOLD_CHECK(scores.size() == groups.size(), "one group per score");
  std::vector<int32_t> order = iota(scores.size());
  std::stable_sort(order.begin(), order.end(),
                   [&](int32_t a, int32_t b) { return groups[a] < groups[b]; });
  double sum = 0, weight = 0;
  int64_t count = 0;
  for (size_t first = 0; first < order.size();) {
    size_t last = first;
    while (last < order.size() && groups[order[last]] == groups[order[first]]) ++last;
    const double value = auc_of(std::span(order).subspan(first, last - first), scores, labels);
    if (value == value) {
      sum += value * static_cast<double>(last - first);
      weight += static_cast<double>(last - first);
      ++count;
    }
    first = last;
  }
  if (num_groups != nullptr) *num_groups = count;
  return weight == 0 ? kNaN : sum / weight;
}

}  // namespace onefold
