// SPDX-License-Identifier: Apache-2.0
// Area under the ROC curve, exact: the chance that a random positive scores above a random
// negative, a tie counting one half.
#pragma once

#include <cstdint>
#include <span>

namespace onefold {

// A label above 0.5 is positive. NaN when there is no positive or no negative.
double auc(std::span<const float> scores, std::span<const float> labels);

// The mean of auc() within each group, over the groups that have both labels, weighted by their
// samples. NaN when there is no such group. `num_groups`, if given, receives how many there are.
double grouped_auc(std::span<const float> scores, std::span<const float> labels,
                   std::span<const int64_t> groups, int64_t* num_groups = nullptr);

}  // namespace onefold
