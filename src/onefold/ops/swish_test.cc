// SPDX-License-Identifier: Apache-2.0
#include "onefold/ops/swish.h"

#include <gtest/gtest.h>

#include "onefold/ops/gradient_check.h"

namespace onefold {
namespace {

TEST(Swish, Values) {
  EXPECT_EQ(swish(0.0), 0.0);
  EXPECT_DOUBLE_EQ(swish(1.0), (1 + 1 / std::sqrt(2.0)) / 2);
  EXPECT_NEAR(swish(1e6), 1e6, 1e-3);  // like ReLU far from zero
  EXPECT_NEAR(swish(-1e6), 0, 1e-3);
}

TEST(Swish, GradientByFiniteDifferences) {
  at::manual_seed(1);
  EXPECT_LT(gradient_error([](const auto& in) { return swish(in[0]); },
                           {at::randn({7, 9}, at::kDouble) * 3}),
            1e-8);
}

TEST(Swish, BitsDoNotDependOnTheirPlace) {
  at::manual_seed(2);
  const at::Tensor x = at::randn({100003});
  const at::Tensor all = swish(x);
  for (int64_t begin : {1, 2, 3, 5, 99990}) {
    const at::Tensor part = x.narrow(0, begin, 100003 - begin).clone();
    EXPECT_TRUE(at::equal(swish(part), all.narrow(0, begin, 100003 - begin)));
  }
  for (int64_t i : {0, 77, 100002}) {  // vector bodies fuse a multiply and an add
    EXPECT_FLOAT_EQ(swish(x[i].item<float>()), all[i].item<float>());
  }
}

}  // namespace
}  // namespace onefold
