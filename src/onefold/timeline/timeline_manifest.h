// SPDX-License-Identifier: Apache-2.0
// TimelineManifest: what `_timeline.json` at the root of a timelines directory says. Written last,
// by rename: it is the commit. docs/timeline_format.md is the specification.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "onefold/base/status.h"
#include "onefold/timeline/event.h"
#include "onefold/timeline/intake_report.h"
#include "onefold/timeline/vocabulary.h"

namespace onefold {

inline constexpr int kTimelineFormatVersion = 1;
inline constexpr const char* kTimelineManifestName = "_timeline.json";

// A Parquet file with events of users of one range (TimelineManifest::range_starts), ascending.
// Parts of one range never hold the same event of a user, but may all hold events of the same
// user: readers merge them by (time, id).
struct TimelinePart {
  std::string path = {};  // relative to the directory
  TimelineKind timeline = TimelineKind::kExplicit;
  int64_t generation = 0;  // the commit that wrote it
  int64_t num_users = 0;   // rows
  int64_t num_events = 0;
  int64_t bytes = 0;
  std::string xxh3 = {};  // base/hash.h
  int64_t first_user = 0, last_user = 0;
  int64_t oldest_time_us = 0, newest_time_us = 0;
};

// The users that one append touched, so that later stages can refresh only those.
struct ChangedUsers {
  int64_t generation = 0;
  std::string path = {};  // Parquet, one column user_id, ascending
  int64_t num_users = 0;
};

struct TimelineCommit {
  int64_t generation = 0;
  std::string kind = {};  // "build", "append", "compact"
  IntakeReport report = {};
};

// Which state of which timelines a result was computed from.
struct TimelineVersion {
  std::string id;          // new with every build
  int64_t generation = 0;  // grows with every commit
  bool operator==(const TimelineVersion&) const = default;
};

struct TimelineManifest {
  int format_version = kTimelineFormatVersion;
  TimelineVersion version;
  std::array<int64_t, kNumTimelines> max_events = {};  // newest events kept per user
  Vocabularies vocabularies;
  // The mapping that the build was given, as TOML, and the directory its paths start from;
  // appends use it unless given another.
  std::string mapping, mapping_directory;

  int64_t num_users = 0;
  std::array<int64_t, kNumTimelines> num_events = {};  // visible: over-cap ones not counted
  int64_t newest_time_us = 0;
  int64_t range_events = 0;  // a range is split when it holds more than twice as many
  // Of each timeline, ascending: range r has the users from range_starts[r] to below
  // range_starts[r + 1]. The first starts at the least int64; no part crosses a start.
  std::array<std::vector<int64_t>, kNumTimelines> range_starts;
  std::vector<TimelinePart> parts;  // of one range and timeline: oldest generation first
  std::vector<ChangedUsers> changes;
  std::vector<TimelineCommit> history;

  int num_ranges(TimelineKind timeline) const;
  int range_of(TimelineKind timeline, int64_t user_id) const;  // REQUIRES: num_ranges() > 0
  // Indices into parts.
  std::vector<int> parts_of(TimelineKind timeline, int range) const;
};

nlohmann::json to_json(const TimelineManifest& manifest);
// kUnsupported for a newer format version, kSchema for a missing or mistyped field.
Result<TimelineManifest> timeline_manifest_from_json(const nlohmann::json& json);

// kNotFound, with advice, when `directory` has no manifest.
Result<TimelineManifest> read_timeline_manifest(const std::string& directory);

// Reads every part and compares it with its checksum. kDataLoss names the first that differs.
Status verify_timelines(const std::string& directory);

}  // namespace onefold
