// SPDX-License-Identifier: Apache-2.0
#include "onefold/ops/payload_windows.h"

#include <ATen/ops/equal.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>

#include "onefold/ops/expand.h"

namespace onefold {
namespace {

at::Tensor ints(const std::vector<int32_t>& values) { return at::tensor(values, at::kInt); }

// Rows [a b c d] and [e f]; the third window leaves the second row's list, which is the shorter one
// of its group.
TEST(PayloadWindows, CutsWhatEachWindowHas) {
  const RowWindows windows{{0, 0, 1, 1}, {0, 1, 0, 2}, {3, 3, 4, 1}};
  const std::vector<int32_t> offsets = {0, 4, 6};
  const PayloadWindows tensors = make_payload_windows(windows, offsets);
  EXPECT_TRUE(at::equal(tensors.row_offsets, ints({0, 4, 6})));
  EXPECT_TRUE(at::equal(tensors.starts, ints({0, 1, 0, 2})));
  EXPECT_TRUE(at::equal(tensors.lengths, ints({3, 3, 2, 0})));
  EXPECT_TRUE(at::equal(tensors.offsets, ints({0, 3, 6, 8, 8})));
  const at::Tensor values = at::tensor(std::vector<float>{1, 2, 3, 4, 5, 6});
  EXPECT_TRUE(at::equal(expand(values, tensors.cut_index()),
                        at::tensor(std::vector<float>{1, 2, 3, 2, 3, 4, 5, 6})));
}

TEST(PayloadWindows, NoWindows) {
  const std::vector<int32_t> offsets = {0};
  const PayloadWindows tensors = make_payload_windows({}, offsets);
  EXPECT_TRUE(at::equal(tensors.offsets, ints({0})));
  EXPECT_EQ(tensors.cut_index().num_samples(), 0);
}

}  // namespace
}  // namespace onefold
