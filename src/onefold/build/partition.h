// SPDX-License-Identifier: Apache-2.0
// Partitions of a table by time: which period a time falls into, and the period's directory.
#pragma once

#include <cstdint>
#include <string>

#include "onefold/base/status.h"

namespace onefold {

enum class PartitionBy { kNone, kDay, kHour };
Result<PartitionBy> parse_partition_by(const std::string& name);  // "none" | "day" | "hour"

// Days or hours since 1970 UTC; 0 for kNone. Times before 1970 are negative periods.
int64_t period_of(int64_t time_us, PartitionBy by);

// "dt=2023-05-18", "dt=2023-05-18/hr=07", "" for kNone.
std::string partition_name(int64_t period, PartitionBy by);

}  // namespace onefold
