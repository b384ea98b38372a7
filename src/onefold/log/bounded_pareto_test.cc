// SPDX-License-Identifier: Apache-2.0
#include "onefold/log/bounded_pareto.h"

#include <algorithm>
#include <vector>

#include <gtest/gtest.h>

#include "onefold/base/check.h"

namespace onefold {
namespace {

TEST(BoundedPareto, EndsMeanAndTail) {
  const BoundedPareto pareto(1, 70'000, 100);
  SynthRandom random(3);
  std::vector<int64_t> draws(400'000);
  double sum = 0;
  for (int64_t& draw : draws) sum += static_cast<double>(draw = pareto.draw(random));
  std::sort(draws.begin(), draws.end());
  EXPECT_GE(draws.front(), 1);
  EXPECT_LE(draws.back(), 70'000);
  EXPECT_GT(draws.back(), 50'000);
  // The standard error of the mean is 2; 1.2 comes from the steps in which it is fitted.
  EXPECT_NEAR(sum / static_cast<double>(draws.size()), 100, 8);
  EXPECT_EQ(draws[draws.size() / 2], 3);
  EXPECT_NEAR(static_cast<double>(draws[draws.size() * 99 / 100]), 1'300, 150);
}

TEST(BoundedPareto, WholeNumbersKeepASmallMean) {
  const BoundedPareto pareto(1, 400, 2);
  SynthRandom random(3);
  double sum = 0;
  for (int i = 0; i < 400'000; ++i) sum += static_cast<double>(pareto.draw(random));
  EXPECT_NEAR(sum / 400'000, 2, 0.04);
}

TEST(BoundedPareto, OneValue) {
  const BoundedPareto pareto(16, 16, 16);
  SynthRandom random(3);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(pareto.draw(random), 16);
}

TEST(BoundedPareto, MeansOutsideOfTheEndsAreBugs) {
  EXPECT_THROW(BoundedPareto(1, 10, 11), CheckError);
  EXPECT_THROW(BoundedPareto(0, 10, 5), CheckError);
}

}  // namespace
}  // namespace onefold
