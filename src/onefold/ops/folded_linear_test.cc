// SPDX-License-Identifier: Apache-2.0
#include "onefold/ops/folded_linear.h"

#include "onefold/ops/test_gradients.h"

namespace onefold {
namespace {

using at::Tensor;

class FoldedLinearTest : public testing::TestWithParam<at::DeviceType> {
 protected:
  FoldIndex fold(const std::vector<int32_t>& inverse, int64_t num_unique) const {
    return make_fold_index(at::tensor(inverse, at::kInt).to(GetParam()), num_unique);
  }
  Tensor random(at::IntArrayRef sizes, at::ScalarType type = at::kDouble) const {
    return at::randn(sizes, at::TensorOptions(GetParam()).dtype(type));
  }
};

TEST_P(FoldedLinearTest, EqualsLinearOverExpandedRows) {
  ONEFOLD_SKIP_WITHOUT_TORCH_DEVICE(GetParam());
  const FoldIndex index = fold({1, 0, 0, 1, 2}, 3);
  const Tensor user = random({3, 4}), candidate = random({5, 2}), bias = random({6});
  const Tensor weight = random({6, 6});
  const Tensor both = at::cat({user.index_select(0, index.inverse_indices), candidate}, 1);
  EXPECT_TRUE(at::allclose(folded_linear(user, candidate, weight, bias, index),
                           at::linear(both, weight, bias)));
  EXPECT_TRUE(at::allclose(folded_linear(user, candidate, weight, Tensor(), index),
                           at::linear(both, weight)));
}

TEST_P(FoldedLinearTest, Gradients) {
  ONEFOLD_SKIP_WITHOUT_TORCH_DEVICE(GetParam());
  const FoldIndex index = fold({1, 0, 0, 1, 3}, 4);
  check_gradients([&](const auto& x) { return folded_linear(x[0], x[1], x[2], x[3], index); },
                  {random({4, 3}), random({5, 2}), random({4, 5}), random({4})});
}

TEST_P(FoldedLinearTest, RefusesAWeightOfAnotherWidth) {
  ONEFOLD_SKIP_WITHOUT_TORCH_DEVICE(GetParam());
  EXPECT_THROW(
      folded_linear(random({1, 4}), random({2, 2}), random({6, 5}), Tensor(), fold({0, 0}, 1)),
      c10::Error);
}

INSTANTIATE_TEST_SUITE_P(Devices, FoldedLinearTest, testing::Values(at::kCPU, at::kCUDA),
                         [](const auto& info) {
                           return std::string(info.param == at::kCPU ? "cpu" : "cuda");
                         });

TEST(FoldedLinear, FoldingDoesNotChangeABit) {
  const FoldIndex folded = make_fold_index(at::tensor({1, 0, 0, 1, 2}, at::kInt), 3);
  const FoldIndex unfolded = make_fold_index(at::arange(5, at::kInt), 5);
  const Tensor user = at::randn({3, 700}), candidate = at::randn({5, 65});
  const Tensor weight = at::randn({33, 765}), bias = at::randn({33});
  EXPECT_TRUE(at::equal(folded_linear(user, candidate, weight, bias, folded),
                        folded_linear(user.index_select(0, folded.inverse_indices), candidate,
                                      weight, bias, unfolded)));
}

}  // namespace
}  // namespace onefold
