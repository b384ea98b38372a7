// SPDX-License-Identifier: Apache-2.0
// BinaryLoss, auc and grouped_auc: by hand, and against definitions spelt out.
#include <cmath>
#include <map>
#include <random>

#include <gtest/gtest.h>

#include "onefold/base/check.h"
#include "onefold/train/auc.h"
#include "onefold/train/binary_loss.h"

namespace onefold {
namespace {

using Floats = std::vector<float>;

TEST(BinaryLoss, ByHand) {
  BinaryLoss loss;
  loss.add(Floats{0, 0}, Floats{1, 0});  // p = 0.5 for both
  EXPECT_DOUBLE_EQ(loss.loss(), std::log(2.0));
  EXPECT_DOUBLE_EQ(loss.label_rate(), 0.5);
  EXPECT_DOUBLE_EQ(loss.normalized_entropy(), 1.0);
  const float z = std::log(3.0f);  // p = 0.75
  loss.add(Floats{z, z}, Floats{1, 1});
  EXPECT_NEAR(loss.loss(), (2 * std::log(2.0) - 2 * std::log(0.75)) / 4, 1e-7);
  EXPECT_DOUBLE_EQ(loss.label_rate(), 0.75);
}

TEST(BinaryLoss, PredictingTheRateIsOne) {
  BinaryLoss loss;
  const float z = std::log(0.2f / 0.8f);
  loss.add(Floats(5, z), Floats{1, 0, 0, 0, 0});
  EXPECT_NEAR(loss.normalized_entropy(), 1.0, 1e-6);
}

TEST(BinaryLoss, LargeLogitsDoNotOverflow) {
  BinaryLoss loss;
  loss.add(Floats{1000, -1000}, Floats{1, 1});
  EXPECT_DOUBLE_EQ(loss.loss(), 500);
}

TEST(BinaryLoss, UndefinedIsNaN) {
  BinaryLoss loss;
  EXPECT_TRUE(std::isnan(loss.loss()));
  loss.add(Floats{1}, Floats{1});
  EXPECT_TRUE(std::isnan(loss.normalized_entropy()));  // one class only
}

TEST(Auc, ByHand) {
  EXPECT_DOUBLE_EQ(auc(Floats{1, 2, 3, 4}, Floats{0, 0, 1, 1}), 1.0);
  EXPECT_DOUBLE_EQ(auc(Floats{4, 3, 2, 1}, Floats{0, 0, 1, 1}), 0.0);
  EXPECT_DOUBLE_EQ(auc(Floats{1, 3, 2, 4}, Floats{0, 0, 1, 1}), 0.75);
  EXPECT_DOUBLE_EQ(auc(Floats{7, 7, 7}, Floats{1, 0, 0}), 0.5);
  EXPECT_DOUBLE_EQ(auc(Floats{1, 2, 2, 3}, Floats{0, 0, 1, 1}), 0.875);  // one tie of four pairs
  EXPECT_TRUE(std::isnan(auc(Floats{1, 2}, Floats{1, 1})));
  EXPECT_TRUE(std::isnan(auc(Floats{}, Floats{})));
}

double pairs_auc(const Floats& scores, const Floats& labels) {
  double wins = 0, pairs = 0;
  for (size_t i = 0; i < scores.size(); ++i) {
    for (size_t j = 0; j < scores.size(); ++j) {
      if (labels[i] < 0.5f || labels[j] > 0.5f) continue;
      pairs += 1;
      wins += scores[i] > scores[j] ? 1 : scores[i] == scores[j] ? 0.5 : 0;
    }
  }
  return pairs == 0 ? NAN : wins / pairs;
}

TEST(Auc, EqualsCountingAllPairs) {
  std::mt19937 random(1);
  for (int trial = 0; trial < 200; ++trial) {
    const size_t count = 1 + random() % 60;
    const int levels = 1 + static_cast<int>(random() % 12);  // few levels: many ties
    Floats scores, labels;
    for (size_t i = 0; i < count; ++i) {
      scores.push_back(static_cast<float>(random() % levels));
      labels.push_back(static_cast<float>(random() % 2));
    }
    const double expected = pairs_auc(scores, labels);
    if (std::isnan(expected)) {
      EXPECT_TRUE(std::isnan(auc(scores, labels)));
    } else {
      EXPECT_NEAR(auc(scores, labels), expected, 1e-12);
    }
  }
}

TEST(GroupedAuc, ByHand) {
  // User 1: right order (2 samples). User 2: wrong (3). User 3: one class, left out.
  const Floats scores = {1, 2, 9, 1, 2, 5}, labels = {0, 1, 0, 1, 0, 1};
  const std::vector<int64_t> users = {1, 1, 2, 2, 2, 3};
  int64_t num_groups = 0;
  EXPECT_DOUBLE_EQ(grouped_auc(scores, labels, users, &num_groups), (2 * 1.0 + 3 * 0.0) / 5);
  EXPECT_EQ(num_groups, 2);
}

TEST(GroupedAuc, EqualsAucPerGroup) {
  std::mt19937 random(2);
  for (int trial = 0; trial < 50; ++trial) {
    std::map<int64_t, std::pair<Floats, Floats>> groups;
    Floats scores, labels;
    std::vector<int64_t> ids;
    for (int i = 0; i < 200; ++i) {
      ids.push_back(static_cast<int64_t>(random() % 20) - 10);
      scores.push_back(static_cast<float>(random() % 7));
      labels.push_back(static_cast<float>(random() % 4 == 0));
      groups[ids.back()].first.push_back(scores.back());
      groups[ids.back()].second.push_back(labels.back());
    }
    double sum = 0, weight = 0;
    for (const auto& [id, group] : groups) {
      const double value = pairs_auc(group.first, group.second);
      if (std::isnan(value)) continue;
      sum += value * static_cast<double>(group.first.size());
      weight += static_cast<double>(group.first.size());
    }
    EXPECT_NEAR(grouped_auc(scores, labels, ids), sum / weight, 1e-12);
  }
}

TEST(GroupedAuc, NoGroupHasBothClasses) {
  EXPECT_TRUE(std::isnan(grouped_auc(Floats{1, 2}, Floats{0, 1}, std::vector<int64_t>{1, 2})));
}

TEST(Auc, NaNScoresAreABug) { EXPECT_THROW(auc(Floats{NAN, 1}, Floats{0, 1}), CheckError); }

}  // namespace
}  // namespace onefold
