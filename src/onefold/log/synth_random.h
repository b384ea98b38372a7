// SPDX-License-Identifier: Apache-2.0
// SynthRandom: random numbers that are the same on every platform and standard library (the
// distributions of <random> are not).
#pragma once

#include <cmath>
#include <cstdint>
#include <numbers>

namespace onefold {

// SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, OOPSLA 2014).
class SynthRandom {
 public:
  explicit SynthRandom(uint64_t seed) : state_(seed) {}

  uint64_t next() {
    uint64_t z = (state_ += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }

  double uniform() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }  // [0, 1)
  int64_t below(int64_t bound) {
    return static_cast<int64_t>(uniform() * static_cast<double>(bound));
  }
  bool chance(double probability) { return uniform() < probability; }
  double exponential(double mean) { return -mean * std::log1p(-uniform()); }

  // 1, 2, 3, ... with the given mean >= 1.
  int64_t geometric(double mean) {
    if (mean <= 1) return 1;
    return 1 + static_cast<int64_t>(std::log1p(-uniform()) / std::log1p(-1 / mean));
  }

  double normal() {  // Box-Muller, one of the pair
    const double radius = std::sqrt(-2 * std::log1p(-uniform()));
    return radius * std::cos(2 * std::numbers::pi * uniform());
  }

 private:
  uint64_t state_;
};

}  // namespace onefold
