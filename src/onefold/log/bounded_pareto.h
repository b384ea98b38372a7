// SPDX-License-Identifier: Apache-2.0
// BoundedPareto: a heavy-tailed distribution with two ends and a given mean.
//
//   min 1, max 70,000, mean 100: the median is 3, one draw in a hundred is above about 1,300
#pragma once

#include <cstdint>

#include "onefold/log/synth_random.h"

namespace onefold {

class BoundedPareto {
 public:
  // REQUIRES: 0 < min < mean < max, or all three equal (CheckError). Shapes between -3 and 30: with
  // a mean next to one of the ends nearly all draws are at that end.
  BoundedPareto(double min, double max, double mean);

  double quantile(double u) const;  // u in [0, 1]
  // A whole number, rounded up or down by chance, so that the mean stays.
  int64_t whole(double u, double chance) const;
  int64_t draw(SynthRandom& random) const {
    const double u = random.uniform();
    return whole(u, random.uniform());
  }

 private:
  double min_, shape_ = 0, low_ = 0, high_ = 0;  // low_: min ^ -shape, high_: max ^ -shape
};

}  // namespace onefold
