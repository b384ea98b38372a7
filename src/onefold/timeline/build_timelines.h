// SPDX-License-Identifier: Apache-2.0
// Building timelines from events, and appending newer events to them.
//
// Both read the input once, sort it by user in bounded memory and write parts. A kill at any
// moment leaves the old timelines or the new ones; running the same append again then finishes the
// job, and finds as duplicates what had already entered.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "onefold/base/status.h"
#include "onefold/timeline/intake_report.h"
#include "onefold/timeline/timeline_part_writer.h"

namespace onefold {

// A mapping as written (event_mapping.h).
struct MappingText {
  std::string toml;
  std::string source;     // names it in errors
  std::string directory;  // where its relative paths start
};
// Reads a mapping file. Its directory is made absolute.
Result<MappingText> read_mapping(const std::string& path);

struct TimelineBuildOptions {
  std::array<int64_t, kNumTimelines> max_events = {35000, 35000};  // newest kept per user
  // Parts hold users of a range of ids; a range ends after this many events, and is split when it
  // has grown to more than twice as many.
  int64_t range_events = 8 << 20;
};

struct TimelineWriteOptions {
  int64_t memory_bytes = int64_t{1} << 30;  // for sorting; readers and writers take ~100 MB more
  std::string spill_directory;              // empty: the timelines directory
  int max_parts = 8;                        // more per range and timeline are merged
  TimelinePartOptions parts;
};

// Builds timelines at `directory` from `paths` (logs, files, directories of files); older timelines
// there are replaced. Without a mapping the inputs must be event logs.
// kInvalidArgument when `directory` exists and is neither empty nor timelines.
Result<IntakeReport> build_timelines(const std::string& directory,
                                     const std::vector<std::string>& paths,
                                     const std::optional<MappingText>& mapping,
                                     const TimelineBuildOptions& build = {},
                                     const TimelineWriteOptions& options = {});

// Adds the events of `paths`. Without a mapping, that of the build is used.
Result<IntakeReport> append_timelines(const std::string& directory,
                                      const std::vector<std::string>& paths,
                                      const std::optional<MappingText>& mapping = std::nullopt,
                                      const TimelineWriteOptions& options = {});

}  // namespace onefold
