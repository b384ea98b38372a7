// SPDX-License-Identifier: Apache-2.0
#include "onefold/ops/jagged_index_select.h"

#include "onefold/ops/test_gradients.h"

namespace onefold {
namespace {

class JaggedIndexSelectOpTest : public testing::TestWithParam<at::DeviceType> {
 protected:
  at::Tensor ints(const std::vector<int32_t>& values) const {
    return at::tensor(values, at::kInt).to(GetParam());
  }
};

// The example of the header: two keys over two rows.
TEST_P(JaggedIndexSelectOpTest, PicksRowsOfEveryKey) {
  ONEFOLD_SKIP_WITHOUT_TORCH_DEVICE(GetParam());
  const KeyedJagged rows{at::tensor(std::vector<int64_t>{7, 8, 10, 9}).to(GetParam()),
                         ints({0, 2, 3, 4, 4})};
  const FoldIndex fold = make_fold_index(ints({0, 0, 1}), 2);
  const at::Tensor out_offsets = jagged_select_offsets(rows.offsets, fold);
  EXPECT_TRUE(at::equal(out_offsets, ints({0, 2, 4, 5, 6, 7, 7})));
  const KeyedJagged out = jagged_index_select(rows, fold, out_offsets, 7);
  EXPECT_TRUE(
      at::equal(out.values, at::tensor(std::vector<int64_t>{7, 8, 7, 8, 10, 9, 9}).to(GetParam())));
}

TEST_P(JaggedIndexSelectOpTest, Gradients) {
  ONEFOLD_SKIP_WITHOUT_TORCH_DEVICE(GetParam());
  const FoldIndex fold = make_fold_index(ints({0, 2, 0, 2, 2}), 3);
  const at::Tensor offsets = ints({0, 2, 3, 5, 5, 6, 8});  // 2 keys of 3 rows
  const at::Tensor out_offsets = jagged_select_offsets(offsets, fold);
  const int64_t total = out_offsets[-1].item<int>();
  for (const std::vector<int64_t>& shape : {std::vector<int64_t>{8}, {8, 3}}) {
    const at::Tensor values = at::randn(shape, at::TensorOptions(GetParam()).dtype(at::kDouble));
    check_gradients(
        [&](const auto& x) {
          return jagged_index_select({x[0] * x[0], offsets}, fold, out_offsets, total).values;
        },
        {values});
  }
}

TEST_P(JaggedIndexSelectOpTest, NoRows) {
  ONEFOLD_SKIP_WITHOUT_TORCH_DEVICE(GetParam());
  const FoldIndex fold = make_fold_index(ints({}), 0);
  const at::Tensor offsets = jagged_select_offsets(ints({0}), fold);
  EXPECT_TRUE(at::equal(offsets, ints({0})));
  const at::Tensor values = at::empty({0}, at::TensorOptions(GetParam()).dtype(at::kLong));
  EXPECT_EQ(jagged_index_select({values, ints({0})}, fold, offsets, 0).values.numel(), 0);
}

TEST_P(JaggedIndexSelectOpTest, RefusesOffsetsOfAnotherShape) {
  ONEFOLD_SKIP_WITHOUT_TORCH_DEVICE(GetParam());
  const FoldIndex fold = make_fold_index(ints({0, 1}), 2);
  const at::Tensor values = at::rand({3}, GetParam());
  EXPECT_THROW(jagged_index_select({values, ints({0, 1, 2, 3})}, fold, ints({0, 1, 2}), 2),
               c10::Error);
}

INSTANTIATE_TEST_SUITE_P(Devices, JaggedIndexSelectOpTest, testing::Values(at::kCPU, at::kCUDA),
                         [](const auto& info) {
                           return std::string(info.param == at::kCPU ? "cpu" : "cuda");
                         });

}  // namespace
}  // namespace onefold
