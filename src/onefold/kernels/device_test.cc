// SPDX-License-Identifier: Apache-2.0
#include "onefold/kernels/device.h"

#include <cstdlib>
#include <vector>

#include <gtest/gtest.h>

#include "onefold/base/cpu.h"

namespace onefold {
namespace {

TEST(Device, ForcedCpuLevelIsActive) {
  const char* forced = std::getenv("ONEFOLD_CPU");
  if (forced == nullptr) GTEST_SKIP() << "ONEFOLD_CPU is not set";
  EXPECT_STREQ(to_string(cpu_level()), forced);
}

TEST(Device, ParallelForWithoutThreadsCoversTheRangeOnce) {
  std::vector<int> seen(37, 0);
  parallel_for(Device{}, 37, 8, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) ++seen[i];
  });
  EXPECT_EQ(seen, std::vector<int>(37, 1));
}

TEST(Device, ParallelForPassesTheCallersThreads) {
  Device device;
  device.parallel_for = [](int64_t n, int64_t grain, void* context,
                           void (*body)(void*, int64_t, int64_t)) {
    for (int64_t i = 0; i < n; i += grain) body(context, i, i + grain < n ? i + grain : n);
  };
  std::vector<int64_t> begins;
  parallel_for(device, 20, 8, [&](int64_t begin, int64_t) { begins.push_back(begin); });
  EXPECT_EQ(begins, (std::vector<int64_t>{0, 8, 16}));
}

TEST(Device, cuda_MemoryGoesThereAndBack) {
  if (num_cuda_devices() == 0) GTEST_SKIP() << "no CUDA device";
  const std::vector<int> there = {1, 2, 3};
  std::vector<int> back(3);
  void* memory = cuda_allocate(12);
  cuda_copy(memory, there.data(), 12);
  cuda_copy(back.data(), memory, 12);
  cuda_free(memory);
  EXPECT_EQ(back, there);
}

}  // namespace
}  // namespace onefold
