// SPDX-License-Identifier: Apache-2.0
#include "onefold/ops/gather_rows.h"

#include <gtest/gtest.h>

#include "onefold/base/check.h"
#include "onefold/ops/gradient_check.h"

namespace onefold {
namespace {

TEST(GatherRows, EqualsIndexSelectWithItsGradient) {
  at::manual_seed(1);
  // Wide enough to be cut into several tasks.
  const at::Tensor rows = at::randn({300, 65}).set_requires_grad(true);
  const at::Tensor reference_rows = rows.detach().clone().set_requires_grad(true);
  const at::Tensor index = at::randint(0, 299, {5000}, at::kInt);  // row 299 is never used
  const at::Tensor out = gather_rows(rows, index);
  const at::Tensor reference = at::index_select(reference_rows, 0, index);
  EXPECT_TRUE(at::equal(out, reference));
  const at::Tensor weights = at::randn(out.sizes());
  (out * weights).sum().backward();
  (reference * weights).sum().backward();
  EXPECT_TRUE(at::allclose(rows.grad(), reference_rows.grad(), 1e-5, 1e-5));
  EXPECT_EQ(rows.grad()[299].abs().max().item<float>(), 0);
}

TEST(GatherRows, GradientByFiniteDifferences) {
  at::manual_seed(2);
  const at::Tensor index = int32_tensor({3, 0, 0, 1, 3, 3});
  EXPECT_LT(gradient_error([&](const auto& in) { return gather_rows(in[0], index); },
                           {at::randn({5, 3}, at::kDouble)}),
            1e-8);
}

TEST(GatherRows, SameGradientBitsForAnyNumberOfThreads) {
  at::manual_seed(3);
  const at::Tensor rows = at::randn({50, 33}), weights = at::randn({20000, 33});
  const at::Tensor index = at::randint(0, 50, {20000}, at::kInt);
  std::vector<at::Tensor> grads;
  const int threads = at::get_num_threads();
  for (int count : {1, 2, 3}) {
    at::set_num_threads(count);
    const at::Tensor leaf = rows.clone().set_requires_grad(true);
    (gather_rows(leaf, index) * weights).sum().backward();
    grads.push_back(leaf.grad());
  }
  at::set_num_threads(threads);
  EXPECT_TRUE(at::equal(grads[0], grads[1]));
  EXPECT_TRUE(at::equal(grads[0], grads[2]));
}

TEST(GatherRows, NoRowsAndNoEntries) {
  const at::Tensor rows = at::randn({4, 2}).set_requires_grad(true);
  const at::Tensor out = gather_rows(rows, at::empty({0}, at::kInt));
  EXPECT_EQ(out.sizes(), (std::vector<int64_t>{0, 2}));
  out.sum().backward();
  EXPECT_TRUE(at::equal(rows.grad(), at::zeros({4, 2})));
  EXPECT_EQ(gather_rows(at::randn({0, 3}), at::empty({0}, at::kInt)).numel(), 0);
}

TEST(GatherRows, RefusesAnotherIndexType) {
  EXPECT_THROW(gather_rows(at::randn({4, 2}), at::zeros({3}, at::kLong)), CheckError);
}

}  // namespace
}  // namespace onefold
