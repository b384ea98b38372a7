// SPDX-License-Identifier: Apache-2.0
#include "onefold/build/memory_plan.h"

#include <algorithm>

#include "onefold/base/memory.h"

namespace onefold {
namespace {

constexpr int64_t kMiB = int64_t{1} << 20;
// A block of the log being read: compressed, decompressed and decoded.
constexpr int64_t kThreadBytes = 6 * kMiB;
constexpr int64_t kLeast = 32 * kMiB;

}  // namespace

Result<MemoryPlan> plan_memory(int64_t bytes, int64_t resident, int threads) {
  const int64_t usable = bytes - resident - threads * kThreadBytes;
  if (usable < kLeast) {
    return invalid_argument("--memory " + format_byte_size(bytes) + " is too little for " +
                            std::to_string(threads) + " threads: give at least " +
                            format_byte_size(bytes - usable + kLeast));
  }
  // Records are added one at a time and the heap keeps some of what is freed: not all is given out.
  const int64_t part = usable / 16;
  return MemoryPlan{.requests = 7 * part,
                    .request_records = 2 * part,
                    .event_records = 2 * part,
                    .routed = 2 * part,
                    .counters = part / 2,
                    .block = std::clamp(7 * part / 1024, 64 * kMiB / 1024, kMiB),
                    .read_ahead = 4 * part,
                    .row_groups = 5 * part};
}

}  // namespace onefold
