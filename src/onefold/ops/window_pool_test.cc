// SPDX-License-Identifier: Apache-2.0
#include "onefold/ops/window_pool.h"

#include "onefold/ops/test_gradients.h"

namespace onefold {
namespace {

using at::Tensor;

class WindowPoolOpTest : public testing::TestWithParam<at::DeviceType> {
 protected:
  Tensor ints(const std::vector<int32_t>& values) const {
    return at::tensor(values, at::kInt).to(GetParam());
  }
  Tensor random(at::IntArrayRef sizes) const {
    return at::randn(sizes, at::TensorOptions(GetParam()).dtype(at::kDouble));
  }
  Tensor pool(const Tensor& values, bool mean) const {
    return window_pool(values, ints({0, 40, 40, 45}), ints({0, 3, 0, 2, 38}),
                       ints({40, 35, 0, 3, 2}), make_fold_index(ints({0, 0, 1, 2, 0}), 3), mean);
  }
};

TEST_P(WindowPoolOpTest, SumsAndMeans) {
  ONEFOLD_SKIP_WITHOUT_TORCH_DEVICE(GetParam());
  const Tensor values = random({45, 2, 3});
  const Tensor sums = at::stack({values.slice(0, 0, 40).sum(0), values.slice(0, 3, 38).sum(0),
                                 at::zeros_like(values[0]), values.slice(0, 42, 45).sum(0),
                                 values.slice(0, 38, 40).sum(0)});
  EXPECT_TRUE(at::allclose(pool(values, false), sums));
  const Tensor lengths = ints({40, 35, 1, 3, 2}).view({5, 1, 1});
  EXPECT_TRUE(at::allclose(pool(values, true), sums / lengths));
}

TEST_P(WindowPoolOpTest, WholeRows) {
  ONEFOLD_SKIP_WITHOUT_TORCH_DEVICE(GetParam());
  const Tensor values = random({45, 2}), offsets = ints({0, 40, 40, 45});
  const Tensor first = values.slice(0, 0, 40), last = values.slice(0, 40, 45);
  const Tensor none = at::zeros_like(values[0]);
  EXPECT_TRUE(at::allclose(pool_rows(values, offsets, Pooling::kSum),
                           at::stack({first.sum(0), none, last.sum(0)})));
  EXPECT_TRUE(at::allclose(pool_rows(values, offsets, Pooling::kMean),
                           at::stack({first.mean(0), none, last.mean(0)})));
}

TEST_P(WindowPoolOpTest, Gradients) {
  ONEFOLD_SKIP_WITHOUT_TORCH_DEVICE(GetParam());
  for (bool mean : {false, true}) {
    check_gradients([&](const auto& x) { return pool(x[0], mean); }, {random({45, 2})});
  }
}

TEST_P(WindowPoolOpTest, RefusesWhatDoesNotFit) {
  ONEFOLD_SKIP_WITHOUT_TORCH_DEVICE(GetParam());
  const FoldIndex index = make_fold_index(ints({0, 0}), 1);
  EXPECT_THROW(window_pool(random({4, 2}), ints({0, 4}), ints({0}), ints({1, 1}), index, false),
               c10::Error);
  EXPECT_THROW(
      window_pool(random({4, 2}), ints({0, 2, 4}), ints({0, 0}), ints({1, 1}), index, false),
      c10::Error);
}

INSTANTIATE_TEST_SUITE_P(Devices, WindowPoolOpTest, testing::Values(at::kCPU, at::kCUDA),
                         [](const auto& info) {
                           return std::string(info.param == at::kCPU ? "cpu" : "cuda");
                         });

}  // namespace
}  // namespace onefold
