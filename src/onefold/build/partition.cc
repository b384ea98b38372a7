// SPDX-License-Identifier: Apache-2.0
#include "onefold/build/partition.h"

#include <chrono>

#include <fmt/format.h>

namespace onefold {

Result<PartitionBy> parse_partition_by(const std::string& name) {
  if (name == "none") return PartitionBy::kNone;
  if (name == "day") return PartitionBy::kDay;
  if (name == "hour") return PartitionBy::kHour;
  return invalid_argument("unknown partition '" + name + "': expected none, day or hour");
}

int64_t period_of(int64_t time_us, PartitionBy by) {
  const std::chrono::microseconds time(time_us);
  switch (by) {
    case PartitionBy::kNone:
      return 0;
    case PartitionBy::kDay:
      return std::chrono::floor<std::chrono::days>(time).count();
    case PartitionBy::kHour:
      return std::chrono::floor<std::chrono::hours>(time).count();
  }
  return 0;
}

std::string partition_name(int64_t period, PartitionBy by) {
  if (by == PartitionBy::kNone) return "";
  const auto hour = by == PartitionBy::kHour ? std::chrono::hours(period)
                                             : std::chrono::hours(std::chrono::days(period));
  const auto day = std::chrono::floor<std::chrono::days>(hour);
  const std::chrono::year_month_day date{std::chrono::sys_days(day)};
  std::string name =
      fmt::format("dt={:04}-{:02}-{:02}", static_cast<int>(date.year()),
                  static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
  if (by == PartitionBy::kHour) name += fmt::format("/hr={:02}", (hour - day).count());
  return name;
}

}  // namespace onefold
