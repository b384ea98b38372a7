// SPDX-License-Identifier: Apache-2.0
// Timelines for people: what an intake did, what a directory holds, one user's events.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "onefold/base/status.h"
#include "onefold/timeline/timeline_manifest.h"
#include "onefold/timeline/timeline_reader.h"

namespace onefold {

std::string to_text(const IntakeReport& report);

// Users, events, bytes, parts, caps, version; without the list of parts.
std::string summary_text(const TimelineManifest& manifest);
nlohmann::json summary_json(const TimelineManifest& manifest);
std::string history_text(const TimelineManifest& manifest);  // a line a commit

// The newest events of one user and the names of their codes.
struct UserEvents {
  TimelineBatch batch;                                 // one user
  std::array<int64_t, kNumTimelines> num_events = {};  // in all
  Vocabularies vocabularies;
};
// kNotFound for a user without a timeline.
Result<UserEvents> read_user_events(const std::string& directory, int64_t user_id, int64_t newest);
std::string to_text(const UserEvents& events);
nlohmann::json to_json(const UserEvents& events);

}  // namespace onefold
