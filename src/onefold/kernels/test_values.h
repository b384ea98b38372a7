// SPDX-License-Identifier: Apache-2.0
// For kernel tests whose results are rounded: random inputs and a distance.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "onefold/kernels/element.h"

namespace onefold {

// Uniform in [-1, 1), rounded to E.
template <typename E>
std::vector<typename E::Storage> random_values(size_t size, uint64_t seed) {
  std::vector<typename E::Storage> values(size);
  uint64_t state = seed * 2654435761u + 1;
  for (auto& value : values) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    value = E::store(static_cast<float>(static_cast<int32_t>(state >> 33) - (1 << 30)) * 0x1p-30f);
  }
  return values;
}

// ||values - expected|| / ||expected||, an expected element counting as at least 0.01 (so that
// rounding where 0 is exact is no large error). NaN against NaN and infinity against the same
// infinity are equal; any other non-finite value is infinitely far.
template <typename E>
double relative_error(const std::vector<typename E::Storage>& values,
                      const std::vector<typename E::Storage>& expected) {
  if (values.size() != expected.size()) return INFINITY;
  double difference = 0, norm = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    const double a = E::load(values[i]), b = E::load(expected[i]);
    if (std::isfinite(b)) norm += std::max(b * b, 1e-4);
    if (a == b || (std::isnan(a) && std::isnan(b))) continue;
    difference += (a - b) * (a - b);
  }
  if (difference == 0) return 0;
  const double error = std::sqrt(difference / norm);
  return std::isfinite(error) ? error : INFINITY;
}

}  // namespace onefold
