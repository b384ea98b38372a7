// SPDX-License-Identifier: Apache-2.0
#include "onefold/ops/row_self_attention.h"

#include <cmath>

#include <gtest/gtest.h>

#include "onefold/base/check.h"
#include "onefold/ops/gradient_check.h"

namespace onefold {
namespace {

// Softmax attention of one row by its definition.
at::Tensor attend(const at::Tensor& qkv, int64_t heads) {
  const int64_t width = qkv.size(1) / 3, head_dim = width / heads;
  std::vector<at::Tensor> out;
  for (int64_t h = 0; h < heads; ++h) {
    const at::Tensor q = qkv.narrow(1, h * head_dim, head_dim);
    const at::Tensor k = qkv.narrow(1, width + h * head_dim, head_dim);
    const at::Tensor v = qkv.narrow(1, 2 * width + h * head_dim, head_dim);
    const at::Tensor scores = at::mm(q, k.t()) / std::sqrt(static_cast<double>(head_dim));
    out.push_back(at::mm(at::softmax(scores, 1), v));
  }
  return at::cat(out, 1);
}

TEST(RowSelfAttention, EqualsTheDefinitionPerRow) {
  at::manual_seed(1);
  const std::vector<int32_t> offsets = {0, 0, 1, 8, 8, 73, 320, 320};
  for (int64_t heads : {1, 2, 4}) {
    const at::Tensor qkv = at::randn({320, 3 * 16}, at::kDouble);
    const at::Tensor out = row_self_attention(qkv, int32_tensor(offsets), heads);
    for (size_t row = 0; row + 1 < offsets.size(); ++row) {
      const int64_t length = offsets[row + 1] - offsets[row];
      if (length == 0) continue;
      const at::Tensor expected = attend(qkv.narrow(0, offsets[row], length), heads);
      EXPECT_TRUE(at::allclose(out.narrow(0, offsets[row], length), expected, 1e-9, 1e-9))
          << "row " << row << ", " << heads << " heads";
    }
  }
}

TEST(RowSelfAttention, GradientByFiniteDifferences) {
  at::manual_seed(2);
  const at::Tensor offsets = int32_tensor({0, 3, 3, 4, 9});
  EXPECT_LT(gradient_error([&](const auto& in) { return row_self_attention(in[0], offsets, 2); },
                           {at::randn({9, 3 * 4}, at::kDouble)}),
            1e-7);
}

// A row alone, among others, and on one thread or two: the same bits.
TEST(RowSelfAttention, BitsDoNotDependOnOtherRows) {
  at::manual_seed(3);
  const std::vector<int32_t> offsets = {0, 200, 207, 280, 480, 481};
  const at::Tensor qkv = at::randn({481, 3 * 64});
  const at::Tensor all = row_self_attention(qkv, int32_tensor(offsets), 2);
  const int threads = at::get_num_threads();
  for (int count : {1, 2}) {
    at::set_num_threads(count);
    for (size_t row = 0; row + 1 < offsets.size(); ++row) {
      const int32_t length = offsets[row + 1] - offsets[row];
      const at::Tensor alone = row_self_attention(qkv.narrow(0, offsets[row], length).clone(),
                                                  int32_tensor({0, length}), 2);
      EXPECT_TRUE(at::equal(alone, all.narrow(0, offsets[row], length))) << "row " << row;
    }
  }
  at::set_num_threads(threads);
}

TEST(RowSelfAttention, RefusesUnevenHeads) {
  EXPECT_THROW(row_self_attention(at::randn({4, 3 * 5}), int32_tensor({0, 4}), 2), CheckError);
}

}  // namespace
}  // namespace onefold
