// SPDX-License-Identifier: Apache-2.0
#include "onefold/ops/expand.h"

#include "onefold/ops/test_gradients.h"

namespace onefold {
namespace {

class ExpandOpTest : public testing::TestWithParam<at::DeviceType> {
 protected:
  FoldIndex fold(const std::vector<int32_t>& inverse, int64_t num_unique) const {
    return make_fold_index(at::tensor(inverse, at::kInt).to(GetParam()), num_unique);
  }
};

TEST_P(ExpandOpTest, EqualsIndexSelect) {
  ONEFOLD_SKIP_WITHOUT_TORCH_DEVICE(GetParam());
  const FoldIndex index = fold({2, 0, 0, 2, 1, 2}, 3);
  for (at::ScalarType dtype : {at::kFloat, at::kBFloat16, at::kLong, at::kBool}) {
    const at::Tensor unique = at::arange(3 * 2 * 5, GetParam()).reshape({3, 2, 5}).to(dtype);
    const at::Tensor out = expand(unique, index);
    EXPECT_TRUE(at::equal(out, unique.index_select(0, index.inverse_indices))) << dtype;
  }
}

TEST_P(ExpandOpTest, TakesStridedRows) {
  ONEFOLD_SKIP_WITHOUT_TORCH_DEVICE(GetParam());
  const at::Tensor unique = at::rand({4, 3}, GetParam()).t();
  const FoldIndex index = fold({2, 2, 0}, 3);
  EXPECT_TRUE(at::equal(expand(unique, index), unique.index_select(0, index.inverse_indices)));
}

TEST_P(ExpandOpTest, NoSamples) {
  ONEFOLD_SKIP_WITHOUT_TORCH_DEVICE(GetParam());
  EXPECT_EQ(expand(at::rand({2, 3}, GetParam()), fold({}, 2)).sizes(), (at::IntArrayRef{0, 3}));
  EXPECT_EQ(expand(at::rand({0, 3}, GetParam()), fold({}, 0)).sizes(), (at::IntArrayRef{0, 3}));
}

TEST_P(ExpandOpTest, Gradients) {
  ONEFOLD_SKIP_WITHOUT_TORCH_DEVICE(GetParam());
  const FoldIndex index = fold({2, 0, 0, 2, 1, 2}, 4);
  const auto options = at::TensorOptions(GetParam()).dtype(at::kDouble);
  check_gradients([&](const auto& x) { return expand(x[0] * x[0], index); },
                  {at::randn({4, 3}, options)});
  check_gradients([&](const auto& x) { return expand_backward(x[0] * x[0], index); },
                  {at::randn({6, 3}, options)});
}

TEST_P(ExpandOpTest, RefusesWhatDoesNotFit) {
  ONEFOLD_SKIP_WITHOUT_TORCH_DEVICE(GetParam());
  const FoldIndex index = fold({0, 1}, 2);
  EXPECT_THROW(expand(at::rand({3, 2}, GetParam()), index), c10::Error);
  FoldIndex wide = index;
  wide.inverse_indices = wide.inverse_indices.to(at::kLong);
  EXPECT_THROW(expand(at::rand({2, 2}, GetParam()), wide), c10::Error);
}

INSTANTIATE_TEST_SUITE_P(Devices, ExpandOpTest, testing::Values(at::kCPU, at::kCUDA),
                         [](const auto& info) {
                           return std::string(info.param == at::kCPU ? "cpu" : "cuda");
                         });

}  // namespace
}  // namespace onefold
