// SPDX-License-Identifier: Apache-2.0
#include "onefold/timeline/utc_time.h"

#include <cstdlib>

#include <arrow/type.h>
#include <arrow/util/value_parsing.h>
#include <fmt/chrono.h>
#include <fmt/format.h>

namespace onefold {

Result<int64_t> parse_utc(const std::string& text) {
  int64_t time_us = 0;
  if (arrow::internal::ParseTimestampISO8601(text.data(), text.size(), arrow::TimeUnit::MICRO,
                                             &time_us)) {
    return time_us;
  }
  return invalid_argument("'" + text +
                          "' should be a time such as 2026-05-02 or "
                          "2026-05-02T07:00:03, UTC");
}

std::string format_utc(int64_t time_us) {
  constexpr int64_t kYear10000 = 253402300800;
  const int64_t seconds = time_us / 1000000 - (time_us % 1000000 < 0 ? 1 : 0);
  if (std::abs(seconds) >= kYear10000) return fmt::format("{} us", time_us);
  return fmt::format("{:%Y-%m-%d %H:%M:%S}", fmt::gmtime(static_cast<std::time_t>(seconds)));
}

}  // namespace onefold
