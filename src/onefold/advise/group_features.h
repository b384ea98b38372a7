// SPDX-License-Identifier: Apache-2.0
// group_features: which features to fold, which of them together, which as windows.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "onefold/advise/feature_kind.h"
#include "onefold/advise/session_sample.h"

namespace onefold {

// A ref of 4 bytes a sample; of a windowed group with start and length.
inline constexpr double kRefBytes = 4;
inline constexpr double kWindowRefBytes = 12;
inline constexpr int64_t kRowGroupSamples = 16384;  // of onefold build

struct FeatureGroupChoice {
  std::vector<int> features;  // of the sample, longest first
  bool windowed = false;
};

struct Grouping {
  std::vector<FeatureGroupChoice> groups;  // longest first
  std::vector<std::string> left;           // [features] why a feature is left alone, or empty
  std::vector<bool> user_scope;            // [features] the same in all samples of each request
};

// `kinds` [features]: nullopt for features that cannot be imported. In this order, the longest
// features first:
//
//   1. Dense features, those that differ within a request (item features) and those that cannot be
//      imported are left alone.
//   2. Lists of which merging stores less than half of the values that exact folding stores are
//      windowed; those of equal lengths in every sample, for which this holds together, too, are
//      one group.
//   3. Of the others those are folded whose predicted factor is above break_even_factor(), each on
//      its own; two become one group when they change in the same samples, and one is fewer bytes
//      than two. Ids that are smaller than a ref, because most samples have none, join a group
//      where that is fewer bytes.
Grouping group_features(const SessionSample& sample,
                        const std::vector<std::optional<ColumnKind>>& kinds);

// Of neighbouring samples of a session, the share with equal `rows` [N].
double unchanged_share(const SessionSample& sample, const std::vector<int32_t>& rows);

}  // namespace onefold
