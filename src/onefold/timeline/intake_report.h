// SPDX-License-Identifier: Apache-2.0
// IntakeReport: what became of everything that one build or append read. Nothing is dropped
// without a count:
//
//   events_read == change of the number of events in the timelines + drops.total()
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "onefold/base/status.h"
#include "onefold/timeline/event.h"

namespace onefold {

enum class DropReason : uint8_t {
  kUnparsable,     // "unparsable": a row with too few cells, or a required cell that is no number
  kNoUser,         // "no_user": empty
  kNoItem,         // "no_item"
  kNoTime,         // "no_time"
  kNoAction,       // "no_action"
  kUnknownAction,  // "unknown_action": the mapping does not say where it belongs
  kIgnoredAction,  // "ignored_action": the mapping says to leave it out
  kDuplicate,      // "duplicate": an event of this id is in the timeline
  kOverCap,        // "over_cap": older than the newest events that a timeline keeps
};
inline constexpr int kNumDropReasons = 9;
const char* to_string(DropReason reason);

struct DropCounts {
  std::array<int64_t, kNumDropReasons> counts = {};

  int64_t& operator[](DropReason reason) { return counts[static_cast<int>(reason)]; }
  int64_t operator[](DropReason reason) const { return counts[static_cast<int>(reason)]; }
  int64_t total() const;
  bool operator==(const DropCounts&) const = default;
};

struct IntakeReport {
  static constexpr size_t kMaxExamples = 10;

  int64_t rows_read = 0;    // rows of the input, malformed ones included
  int64_t events_read = 0;  // a row can hold several events (mapping: flags)
  DropCounts drops = {};
  // Optional cells that could not be read or were negative: the event was kept, the cell is
  // missing in it.
  std::array<int64_t, kNumEventColumns> blanked = {};
  int64_t users_touched = 0;  // users with at least one event kept
  int64_t users_new = 0;
  std::vector<std::string> examples = {};  // the first drops for bad input, with file and row
  std::vector<std::string> notes = {};     // torn log segments

  bool operator==(const IntakeReport&) const = default;
};

// Counts only, without examples: what a manifest keeps.
nlohmann::json to_json(const IntakeReport& report);
// kSchema for a missing or mistyped field.
Result<IntakeReport> intake_report_from_json(const nlohmann::json& json);

}  // namespace onefold
