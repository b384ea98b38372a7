// SPDX-License-Identifier: Apache-2.0
// RequestKey: what requests are sorted by.
#pragma once

#include <compare>
#include <cstdint>

namespace onefold {

struct RequestKey {
  int64_t period = 0;   // partition.h
  int64_t cluster = 0;  // session id; in order of arrival 0 for all
  int64_t time_us = 0;
  int64_t request_id = 0;
  int64_t position = 0;  // in the log: of two records of a request the first one counts

  friend auto operator<=>(const RequestKey&, const RequestKey&) = default;
};

// Position of record `row` of the log's segment number `segment`.
inline int64_t log_position(int64_t segment, int64_t row) { return (segment << 40) | row; }

}  // namespace onefold
