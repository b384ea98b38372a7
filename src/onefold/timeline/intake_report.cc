// SPDX-License-Identifier: Apache-2.0
#include "onefold/timeline/intake_report.h"

#include <numeric>

#include <nlohmann/json.hpp>

#include "onefold/jagged/json_integer.h"

namespace onefold {
namespace {

constexpr std::array<const char*, kNumDropReasons> kReasonNames = {
    "unparsable",     "no_user",        "no_item",   "no_time", "no_action",
    "unknown_action", "ignored_action", "duplicate", "over_cap"};

}  // namespace

const char* to_string(DropReason reason) { return kReasonNames[static_cast<int>(reason)]; }

int64_t DropCounts::total() const {
  return std::accumulate(counts.begin(), counts.end(), int64_t{0});
}

nlohmann::json to_json(const IntakeReport& report) {
  nlohmann::json dropped = nlohmann::json::object(), blanked = nlohmann::json::object();
  for (int i = 0; i < kNumDropReasons; ++i) dropped[kReasonNames[i]] = report.drops.counts[i];
  for (int i = 0; i < kNumEventColumns; ++i) {
    if (report.blanked[i] > 0) blanked[to_string(static_cast<EventColumn>(i))] = report.blanked[i];
  }
  return {{"rows_read", report.rows_read},
          {"events_read", report.events_read},
          {"dropped", dropped},
          {"blanked", blanked},
          {"users_touched", report.users_touched},
          {"users_new", report.users_new}};
}

Result<IntakeReport> intake_report_from_json(const nlohmann::json& json) {
  try {
    IntakeReport report{.rows_read = int64_at(json, "rows_read"),
                        .events_read = int64_at(json, "events_read")};
    const nlohmann::json& dropped = json.at("dropped");
    const nlohmann::json& blanked = json.at("blanked");
    for (int i = 0; i < kNumDropReasons; ++i) {
      const char* name = kReasonNames[i];
      if (dropped.contains(name)) report.drops.counts[i] = int64_at(dropped, name);
    }
    for (int i = 0; i < kNumEventColumns; ++i) {
      const char* name = to_string(static_cast<EventColumn>(i));
      if (blanked.contains(name)) report.blanked[i] = int64_at(blanked, name);
    }
    report.users_touched = int64_at(json, "users_touched");
    report.users_new = int64_at(json, "users_new");
    return report;
  } catch (const nlohmann::json::exception& error) {
    return schema_error(std::string("an intake report: ") + error.what());
  }
}

}  // namespace onefold
