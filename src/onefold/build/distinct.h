// SPDX-License-Identifier: Apache-2.0
// DistinctCounter: how many distinct values there are, and how many come more than once, in bounded
// memory.
#pragma once

#include <cstdint>

#include "onefold/build/external_sort.h"

namespace onefold {

struct DistinctCounts {
  int64_t distinct = 0;
  int64_t repeated = 0;  // of them, those in more than one group
};

class DistinctCounter {
 public:
  DistinctCounter(SpillFile& spill, int64_t memory_bytes) : pairs_(spill, memory_bytes) {}

  // `value` was seen in `group`. Cheap when both are those of the call before.
  Status add(int64_t value, int64_t group) {
    const Pair pair{value, group};
    if (any_ && pair == last_) return {};
    any_ = true;
    last_ = pair;
    return pairs_.add({{pair}});
  }

  // After the last add(), once.
  Result<DistinctCounts> count() {
    DistinctCounts counts;
    ONEFOLD_RETURN_IF_ERROR(pairs_.sort());
    while (pairs_.has_value()) {
      const Pair first = pairs_.value();
      bool repeated = false;
      for (; pairs_.has_value() && pairs_.value().value == first.value;) {
        repeated |= pairs_.value().group != first.group;
        ONEFOLD_RETURN_IF_ERROR(pairs_.advance());
      }
      ++counts.distinct;
      counts.repeated += repeated;
    }
    return counts;
  }

 private:
  struct Pair {
    int64_t value = 0, group = 0;
    friend auto operator<=>(const Pair&, const Pair&) = default;
  };

  ExternalSorter<Pair> pairs_;
  Pair last_;
  bool any_ = false;
};

}  // namespace onefold
