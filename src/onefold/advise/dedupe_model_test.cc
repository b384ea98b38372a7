// SPDX-License-Identifier: Apache-2.0
#include "onefold/advise/dedupe_model.h"

#include <cmath>

#include <gtest/gtest.h>

namespace onefold {
namespace {

TEST(DedupeModel, FactorsOfTheFormula) {
  const double samples[] = {1.15, 4, 16.5, 32, 100, 1e9};
  const std::pair<double, std::vector<double>> rows[] = {
      {0.5, {1.07, 1.60, 1.89, 1.94, 1.98, 2}},
      {0.8, {1.12, 2.50, 4.02, 4.44, 4.81, 5}},
      {0.9, {1.13, 3.08, 6.47, 7.80, 9.17, 10}},
      {0.95, {1.14, 3.48, 9.30, 12.55, 16.81, 20}}};
  for (const auto& [unchanged, factors] : rows) {
    for (size_t i = 0; i < factors.size(); ++i) {
      EXPECT_NEAR(dedupe_factor(samples[i], unchanged), factors[i], 0.0051)
          << "S " << samples[i] << " d " << unchanged;
    }
  }
  EXPECT_DOUBLE_EQ(dedupe_factor(1, 0.9), 1);
  EXPECT_DOUBLE_EQ(dedupe_factor(16, 1), 16);
}

// Sessions of 4 samples, d = 0.5: 1 + 3 * 0.5 distinct rows of 10 values.
TEST(DedupeModel, ValuesSent) { EXPECT_DOUBLE_EQ(dedupe_len(10, 400, 4, 0.5), 100 * 2.5 * 10); }

TEST(DedupeModel, WorthSending) {
  EXPECT_DOUBLE_EQ(break_even_factor(8, 4), 2);
  EXPECT_NEAR(break_even_factor(80, 4), 1.05, 0.005);
  EXPECT_TRUE(std::isinf(break_even_factor(4, 4)));
}

}  // namespace
}  // namespace onefold
