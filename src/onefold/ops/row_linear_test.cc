// SPDX-License-Identifier: Apache-2.0
#include "onefold/ops/row_linear.h"

#include <gtest/gtest.h>

#include "onefold/base/check.h"
#include "onefold/ops/gradient_check.h"

namespace onefold {
namespace {

struct Shape {
  int64_t inputs, outputs;
};

class RowLinearTest : public testing::TestWithParam<Shape> {};

// Widths around the SIMD lanes, wide ones, and 1,100 and 2,048 inputs, which are cut into pieces.
INSTANTIATE_TEST_SUITE_P(Shapes, RowLinearTest,
                         testing::Values(Shape{1, 32}, Shape{17, 2}, Shape{32, 96}, Shape{64, 256},
                                         Shape{65, 33}, Shape{256, 64}, Shape{512, 128},
                                         Shape{1100, 64}, Shape{2048, 100}),
                         [](const auto& info) {
                           return std::to_string(info.param.inputs) + "to" +
                                  std::to_string(info.param.outputs);
                         });

// What --dedup on and off rest on: a row's bits are the same alone, first, last or among many.
TEST_P(RowLinearTest, BitsDoNotDependOnOtherRows) {
  at::manual_seed(1);
  const auto [inputs, outputs] = GetParam();
  const at::Tensor x = at::randn({3000, inputs}), weight = at::randn({outputs, inputs}),
                   bias = at::randn({outputs});
  const at::Tensor all = row_linear(x, weight, bias);
  for (int64_t count :
       {1, 2, 3, 7, 15, 16, 17, 31, 33, 63, 64, 65, 100, 127, 129, 500, 1023, 2999}) {
    EXPECT_TRUE(at::equal(row_linear(x.narrow(0, 0, count), weight, bias), all.narrow(0, 0, count)))
        << count << " first rows";
    const int64_t begin = 3000 - count;
    EXPECT_TRUE(
        at::equal(row_linear(x.narrow(0, begin, count), weight, bias), all.narrow(0, begin, count)))
        << count << " last rows";
  }
}

TEST_P(RowLinearTest, EqualsTheDefinition) {
  at::manual_seed(2);
  const auto [inputs, outputs] = GetParam();
  const at::Tensor x = at::randn({40, inputs}), weight = at::randn({outputs, inputs}),
                   bias = at::randn({outputs});
  const at::Tensor exact =
      at::mm(x.to(at::kDouble), weight.to(at::kDouble).t()) + bias.to(at::kDouble);
  EXPECT_TRUE(at::allclose(row_linear(x, weight, bias).to(at::kDouble), exact, 1e-4, 1e-3));
  EXPECT_TRUE(
      at::allclose(row_linear(x, weight, at::Tensor()).to(at::kDouble) + bias, exact, 1e-4, 1e-3));
}

TEST(RowLinear, GradientThroughThePadding) {
  at::manual_seed(3);
  EXPECT_LT(gradient_error([](const auto& in) { return row_linear(in[0], in[1], in[2]); },
                           {at::randn({3, 4}, at::kDouble), at::randn({2, 4}, at::kDouble),
                            at::randn({2}, at::kDouble)}),
            1e-8);
}

TEST(RowLinear, NoRows) {
  EXPECT_EQ(row_linear(at::randn({0, 4}), at::randn({3, 4}), at::randn({3})).sizes(),
            (std::vector<int64_t>{0, 3}));
}

TEST(RowLinear, RefusesASingleOutput) {
  EXPECT_THROW(row_linear(at::randn({4, 4}), at::randn({1, 4}), at::randn({1})), CheckError);
}

}  // namespace
}  // namespace onefold
