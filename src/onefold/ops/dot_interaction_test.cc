// SPDX-License-Identifier: Apache-2.0
#include "onefold/ops/dot_interaction.h"

#include <gtest/gtest.h>

#include "onefold/base/check.h"
#include "onefold/ops/gradient_check.h"

namespace onefold {
namespace {

TEST(DotInteraction, PairsInOrder) {
  const at::Tensor vectors = at::tensor({1.f, 2.f, 3.f, 4.f, 5.f, 6.f}).view({1, 3, 2});
  // (0,1) = 1*3 + 2*4, (0,2) = 1*5 + 2*6, (1,2) = 3*5 + 4*6
  EXPECT_TRUE(at::equal(dot_interaction(vectors), at::tensor({11.f, 17.f, 39.f}).view({1, 3})));
}

TEST(DotInteraction, EqualsBmm) {
  at::manual_seed(1);
  const at::Tensor vectors = at::randn({100, 7, 33}, at::kDouble);
  const at::Tensor all = at::bmm(vectors, vectors.transpose(1, 2));
  const at::Tensor out = dot_interaction(vectors);
  int64_t pair = 0;
  for (int64_t a = 1; a < 7; ++a) {
    for (int64_t b = 0; b < a; ++b, ++pair) {
      EXPECT_TRUE(at::allclose(out.select(1, pair), all.select(1, a).select(1, b)));
    }
  }
  EXPECT_EQ(pair, out.size(1));
}

TEST(DotInteraction, GradientByFiniteDifferences) {
  at::manual_seed(2);
  EXPECT_LT(gradient_error([](const auto& in) { return dot_interaction(in[0]); },
                           {at::randn({3, 4, 5}, at::kDouble)}),
            1e-8);
}

TEST(DotInteraction, RefusesASingleVector) {
  EXPECT_THROW(dot_interaction(at::randn({3, 1, 5})), CheckError);
}

}  // namespace
}  // namespace onefold
