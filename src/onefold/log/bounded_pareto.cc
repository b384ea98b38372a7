// SPDX-License-Identifier: Apache-2.0
#include "onefold/log/bounded_pareto.h"

#include <cmath>

#include "onefold/base/check.h"

namespace onefold {
namespace {

double quantile_of(double u, double low, double high, double shape) {
  return std::pow(low - u * (low - high), -1 / shape);
}

double mean_of(double min, double max, double shape) {
  constexpr int kSteps = 2'000;
  const double low = std::pow(min, -shape), high = std::pow(max, -shape);
  double sum = 0;
  for (int i = 0; i < kSteps; ++i) sum += quantile_of((i + 0.5) / kSteps, low, high, shape);
  return sum / kSteps;
}

// A larger shape has a smaller mean.
double shape_of(double min, double max, double mean) {
  double low = -3, high = 30;
  for (int i = 0; i < 60; ++i) {
    const double middle = (low + high) / 2;
    (mean_of(min, max, middle) > mean ? low : high) = middle;
  }
  return (low + high) / 2;
}

}  // namespace

BoundedPareto::BoundedPareto(double min, double max, double mean) : min_(min) {
  if (min == max && min == mean) return;
  ONEFOLD_CHECK(0 < min && min < mean && mean < max, "no distribution has these ends and mean");
  shape_ = shape_of(min, max, mean);
  low_ = std::pow(min, -shape_);
  high_ = std::pow(max, -shape_);
}

double BoundedPareto::quantile(double u) const {
  return low_ == high_ ? min_ : quantile_of(u, low_, high_, shape_);
}

int64_t BoundedPareto::whole(double u, double chance) const {
  return static_cast<int64_t>(std::floor(quantile(u) + chance));
}

}  // namespace onefold
