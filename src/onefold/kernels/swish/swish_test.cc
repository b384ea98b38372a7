// SPDX-License-Identifier: Apache-2.0
#include "onefold/kernels/swish/swish.h"

#include <cmath>

#include <gtest/gtest.h>

namespace onefold {
namespace {

std::vector<float> spread_values(size_t size) {
  std::vector<float> values(size);
  for (size_t i = 0; i < size; ++i) {
    values[i] = std::ldexp(static_cast<float>(i % 7) - 3.0f, static_cast<int>(i % 23) - 12);
  }
  return values;
}

TEST(Swish, EqualsTheFormula) {
  const std::vector<float> x = spread_values(100003);
  std::vector<float> out(x.size()), slope(x.size());
  const std::vector<float> ones(x.size(), 1.0f);
  swish(Device{}, ScalarType::kFloat32, x.data(), out.data(), x.size());
  swish_backward(Device{}, ScalarType::kFloat32, x.data(), ones.data(), slope.data(), x.size());
  for (size_t i = 0; i < x.size(); ++i) {
    const double v = x[i], s = v / std::sqrt(1 + v * v);
    EXPECT_NEAR(out[i], v * (1 + s) / 2, 3e-7 * (1e-3 + std::fabs(v))) << v;
    EXPECT_NEAR(slope[i], (1 + s * (2 - s * s)) / 2, 5e-7) << v;
  }
}

// The last elements, which fill no register, are computed as the others are.
TEST(Swish, BitsDoNotDependOnThePlace) {
  const std::vector<float> x = spread_values(67);
  for (const auto run : {+[](const float*from, float*to, int64_t size) {
                           swish(Device{}, ScalarType::kFloat32, from, to, size);
                         },
                         +[](const float*from, float*to, int64_t size) {
                           swish_backward(Device{}, ScalarType::kFloat32, from, from, to, size);
                         }}) {
    std::vector<float> all(x.size());
    run(x.data(), all.data(), x.size());
    for (size_t i = 0; i < x.size(); ++i) {
      float alone = 0;
      run(&x[i], &alone, 1);
      EXPECT_EQ(alone, all[i]) << i;
    }
  }
}

TEST(Swish, Float64) {
  const std::vector<double> x = {-3, -0.5, 0, 1e-9, 2};
  std::vector<double> out(5), slope(5);
  swish(Device{}, ScalarType::kFloat64, x.data(), out.data(), 5);
  swish_backward(Device{}, ScalarType::kFloat64, x.data(), x.data(), slope.data(), 5);
  for (size_t i = 0; i < x.size(); ++i) {
    const double s = x[i] / std::sqrt(1 + x[i] * x[i]);
    EXPECT_DOUBLE_EQ(out[i], x[i] * (1 + s) / 2);
    EXPECT_DOUBLE_EQ(slope[i], x[i] * (1 + s * (2 - s * s)) / 2);
  }
}

}  // namespace
}  // namespace onefold
