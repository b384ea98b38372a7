// SPDX-License-Identifier: Apache-2.0
#include "onefold/base/memory.h"

#include <vector>

#include <gtest/gtest.h>

namespace onefold {
namespace {

TEST(MemoryTest, SizesAsPeopleWriteThem) {
  EXPECT_EQ(parse_byte_size("4096").value(), 4096);
  EXPECT_EQ(parse_byte_size("512MiB").value(), 512 << 20);
  EXPECT_EQ(parse_byte_size("2gib").value(), int64_t{2} << 30);
  EXPECT_EQ(parse_byte_size("1.5GB").value(), 1'500'000'000);
  EXPECT_EQ(parse_byte_size("1.5G").value(), int64_t{3} << 29);
  for (const char* bad : {"", "MiB", "12 apples", "0", "-1MiB", "nan", "1e30GB"}) {
    EXPECT_EQ(parse_byte_size(bad).status().code(), StatusCode::kInvalidArgument) << bad;
  }
  EXPECT_EQ(format_byte_size(1000), "1000 B");
  EXPECT_EQ(format_byte_size(int64_t{3} << 29), "1.5 GiB");
}

TEST(MemoryTest, ThePeakGrowsWithWhatIsTouched) {
  constexpr int64_t kBytes = 64 << 20;
  EXPECT_GT(machine_memory(), kBytes);
  const int64_t before = resident_memory();
  ASSERT_GT(before, 0);
  {
    const std::vector<char> touched(kBytes, 1);
    EXPECT_GE(peak_memory(), before + kBytes * 9 / 10);
  }
}

}  // namespace
}  // namespace onefold
