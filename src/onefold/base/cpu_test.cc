// SPDX-License-Identifier: Apache-2.0
#include "onefold/base/cpu.h"

#include <cstdlib>

#include <gtest/gtest.h>

namespace onefold {
namespace {

TEST(CpuLevel, UnsetTakesTheBest) {
  EXPECT_EQ(choose_cpu_level("", CpuLevel::kAvx2).value(), CpuLevel::kAvx2);
}

TEST(CpuLevel, ForcedLevelIsTaken) {
  EXPECT_EQ(choose_cpu_level("scalar", CpuLevel::kAvx512).value(), CpuLevel::kScalar);
  EXPECT_EQ(choose_cpu_level("avx2", CpuLevel::kAvx512).value(), CpuLevel::kAvx2);
}

TEST(CpuLevel, RefusesWhatTheMachineLacks) {
  EXPECT_EQ(choose_cpu_level("avx512", CpuLevel::kAvx2).status().code(), StatusCode::kUnsupported);
}

TEST(CpuLevel, RefusesUnknownWords) {
  EXPECT_EQ(choose_cpu_level("sse", CpuLevel::kAvx2).status().code(), StatusCode::kInvalidArgument);
}

// CTest runs the kernels' suite once per level; this is what makes those runs mean something.
TEST(CpuLevel, ForcedLevelIsActive) {
  const char* forced = std::getenv("ONEFOLD_CPU");
  if (forced == nullptr) GTEST_SKIP() << "ONEFOLD_CPU is not set";
  EXPECT_STREQ(to_string(cpu_level()), forced);
}

}  // namespace
}  // namespace onefold
