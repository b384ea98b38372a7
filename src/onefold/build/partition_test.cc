// SPDX-License-Identifier: Apache-2.0
#include "onefold/build/partition.h"

#include <gtest/gtest.h>

namespace onefold {
namespace {

std::string name_of(int64_t time_us, PartitionBy by) {
  return partition_name(period_of(time_us, by), by);
}

TEST(PartitionTest, DaysAndHoursAreUtc) {
  const int64_t time_us = 1684393203000000;  // 2023-05-18 07:00:03 UTC
  EXPECT_EQ(name_of(time_us, PartitionBy::kDay), "dt=2023-05-18");
  EXPECT_EQ(name_of(time_us, PartitionBy::kHour), "dt=2023-05-18/hr=07");
  EXPECT_EQ(name_of(time_us, PartitionBy::kNone), "");
}

TEST(PartitionTest, BordersBelongToTheLaterPeriod) {
  const int64_t midnight = int64_t{1709164800} * 1000000;  // 2024-02-29 00:00 UTC
  EXPECT_EQ(name_of(midnight, PartitionBy::kDay), "dt=2024-02-29");
  EXPECT_EQ(name_of(midnight - 1, PartitionBy::kDay), "dt=2024-02-28");
  EXPECT_EQ(name_of(midnight - 1, PartitionBy::kHour), "dt=2024-02-28/hr=23");
}

TEST(PartitionTest, TimesBefore1970) {
  EXPECT_EQ(name_of(-1, PartitionBy::kDay), "dt=1969-12-31");
  EXPECT_EQ(name_of(-1, PartitionBy::kHour), "dt=1969-12-31/hr=23");
}

TEST(PartitionTest, Names) {
  EXPECT_EQ(parse_partition_by("hour").value(), PartitionBy::kHour);
  EXPECT_EQ(parse_partition_by("week").status().code(), StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace onefold
