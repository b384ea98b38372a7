// SPDX-License-Identifier: Apache-2.0
// pool_segments and pooled_lookup against each other and against loops.
#include "onefold/ops/pooling.h"

#include <gtest/gtest.h>

#include "onefold/ops/gather_rows.h"
#include "onefold/ops/gradient_check.h"
#include "onefold/ops/pool_segments.h"
#include "onefold/ops/pooled_lookup.h"

namespace onefold {
namespace {

class PoolingTest : public testing::TestWithParam<Pooling> {};
INSTANTIATE_TEST_SUITE_P(Both, PoolingTest, testing::Values(Pooling::kSum, Pooling::kMean),
                         [](const auto& info) {
                           return info.param == Pooling::kSum ? "sum" : "mean";
                         });

// Rows: empty first, empty in the middle, empty last.
const std::vector<int32_t> kOffsets = {0, 0, 3, 3, 4, 9, 9};

TEST_P(PoolingTest, SegmentsAgainstALoop) {
  at::manual_seed(1);
  const at::Tensor values = at::randn({9, 5});
  const at::Tensor pooled = pool_segments(values, int32_tensor(kOffsets), GetParam());
  ASSERT_EQ(pooled.sizes(), (std::vector<int64_t>{6, 5}));
  for (int64_t row = 0; row < 6; ++row) {
    at::Tensor expected = at::zeros({5});
    for (int32_t i = kOffsets[row]; i < kOffsets[row + 1]; ++i) expected += values[i];
    if (GetParam() == Pooling::kMean && kOffsets[row] < kOffsets[row + 1]) {
      expected /= kOffsets[row + 1] - kOffsets[row];
    }
    EXPECT_TRUE(at::allclose(pooled[row], expected)) << "row " << row;
  }
}

TEST_P(PoolingTest, LookupIsGatherThenPool) {
  at::manual_seed(2);
  const at::Tensor rows = at::randn({20, 7}).set_requires_grad(true);
  const at::Tensor other = rows.detach().clone().set_requires_grad(true);
  at::Tensor offsets = at::zeros({3001}, at::kInt);  // enough for several tasks
  offsets.narrow(0, 1, 3000).copy_(at::randint(0, 9, {3000}).cumsum(0));
  const at::Tensor index = at::randint(0, 20, {offsets[3000].item<int>()}, at::kInt);
  const at::Tensor fused = pooled_lookup(rows, index, offsets, GetParam());
  const at::Tensor composed = pool_segments(gather_rows(other, index), offsets, GetParam());
  EXPECT_TRUE(at::equal(fused, composed));
  const at::Tensor weights = at::randn(fused.sizes());
  (fused * weights).sum().backward();
  (composed * weights).sum().backward();
  EXPECT_TRUE(at::equal(rows.grad(), other.grad()));
}

TEST_P(PoolingTest, GradientsByFiniteDifferences) {
  at::manual_seed(3);
  const at::Tensor offsets = int32_tensor(kOffsets);
  EXPECT_LT(
      gradient_error([&](const auto& in) { return pool_segments(in[0], offsets, GetParam()); },
                     {at::randn({9, 3}, at::kDouble)}),
      1e-8);
  const at::Tensor index = int32_tensor({0, 1, 1, 3, 0, 0, 2, 3, 1});
  EXPECT_LT(gradient_error(
                [&](const auto& in) { return pooled_lookup(in[0], index, offsets, GetParam()); },
                {at::randn({5, 3}, at::kDouble)}),
            1e-8);
}

}  // namespace
}  // namespace onefold
