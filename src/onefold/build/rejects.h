// SPDX-License-Identifier: Apache-2.0
// Rejects: bytes of the log that are no records, put aside in the table's directory.
//
//   TABLE/rejects.jsonl           one line each: segment, offset, bytes, reason, where they are
//   kept TABLE/rejects/00000.bytes     the bytes as they were
#pragma once

#include <string>
#include <vector>

#include "onefold/base/status.h"
#include "onefold/log/torn_tail.h"

namespace onefold {

inline constexpr const char* kRejectsList = "rejects.jsonl";
inline constexpr const char* kRejectsDirectory = "rejects";

// Copies what `tails` skipped into `directory`; writes nothing when there are none. Segments are
// named relative to `log`.
Status write_rejects(const std::string& directory, const std::string& log,
                     const std::vector<TornTail>& tails);

}  // namespace onefold
