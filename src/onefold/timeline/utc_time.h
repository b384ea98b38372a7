// SPDX-License-Identifier: Apache-2.0
// Microseconds since 1970 UTC from and to text.
#pragma once

#include <cstdint>
#include <string>

#include "onefold/base/status.h"

namespace onefold {

// "2026-05-02", "2026-05-02 07:00:03", "2026-05-02T07:00:03.5Z". kInvalidArgument otherwise.
Result<int64_t> parse_utc(const std::string& text);

// "2026-05-02 07:00:03": whole seconds, rounded down. Times no calendar reaches come as a number.
std::string format_utc(int64_t time_us);

}  // namespace onefold
