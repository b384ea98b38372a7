// SPDX-License-Identifier: Apache-2.0
#include "onefold/ops/device.h"

#include <atomic>

#include <ATen/ops/empty.h>
#include <gtest/gtest.h>

namespace onefold {
namespace {

TEST(OpsDevice, CpuTensorBringsTorchThreads) {
  const Device device = kernel_device(at::empty({1}));
  EXPECT_EQ(device.type, DeviceType::kCpu);
  std::atomic<int64_t> total = 0;
  parallel_for(device, 1000, 10, [&](int64_t begin, int64_t end) { total += end - begin; });
  EXPECT_EQ(total, 1000);
}

TEST(OpsDevice, ScalarTypes) {
  EXPECT_EQ(scalar_type_of(at::empty({1}, at::kBFloat16), "x"), ScalarType::kBFloat16);
  EXPECT_THROW(scalar_type_of(at::empty({1}, at::kInt), "x"), c10::Error);
}

TEST(OpsDevice, Int32IsChecked) {
  const at::Tensor like = at::empty({1});
  EXPECT_NO_THROW(check_int32(at::empty({3}, at::kInt), like, "x"));
  EXPECT_THROW(check_int32(at::empty({3}, at::kLong), like, "x"), c10::Error);
  EXPECT_THROW(check_int32(at::empty({6}, at::kInt).slice(0, 0, 6, 2), like, "x"), c10::Error);
}

}  // namespace
}  // namespace onefold
