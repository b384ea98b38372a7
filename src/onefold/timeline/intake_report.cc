// SPDX-License-Identifier: Apache-2.0
#include "onefold/timeline/intake_report.h"

#include <numeric>

#include <nlohmann/json.hpp>

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
    IntakeReport report{.rows_read = json.at("rows_read"), .events_read = json.at("events_read")};
    for (int i = 0; i < kNumDropReasons; ++i) {
      report.drops.counts[i] = json.at("dropped").value(kReasonNames[i], int64_t{0});
    }
    for (int i = 0; i < kNumEventColumns; ++i) {
      report.blanked[i] =
          json.at("blanked").value(to_string(static_cast<EventColumn>(i)), int64_t{0});
    }
    report.users_touched = json.at("users_touched");
    report.users_new = json.at("users_new");
    return report;
  } catch (const nlohmann::json::exception& error) {
    return schema_error(std::string("an intake report: ") + error.what());
  }
}

}  // namespace onefold
