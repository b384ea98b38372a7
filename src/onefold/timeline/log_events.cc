// SPDX-License-Identifier: Apache-2.0
// Events of our own event log. It knows user, item, time, action and one value; what an item is
// comes from an ItemTable.
#include <algorithm>
#include <cmath>

#include "onefold/log/log_reader.h"
#include "onefold/timeline/event_source.h"

namespace onefold {
namespace {

// Is the value of such an event a watch time in seconds?
bool is_watch_time(const EventMapping& mapping, const std::string& action) {
  const auto& listed = mapping.watch_time_actions;
  if (listed.empty()) return mapping.fate(action) == ActionFate::kImplicit;
  return std::find(listed.begin(), listed.end(), action) != listed.end();
}

}  // namespace

Status read_event_log(const std::string& directory, const EventMapping& mapping,
                      const ItemTable* items, EventIntake& intake) {
  ONEFOLD_ASSIGN_OR_RETURN(LogReader log, LogReader::open(directory));
  int64_t row = 0;
  ONEFOLD_RETURN_IF_ERROR(log.read_events([&](EventRecords&& records) -> Status {
    intake.count_rows(records.num_events());
    for (int64_t i = 0; i < records.num_events(); ++i, ++row) {
      if (records.action[i].empty()) {
        intake.drop(DropReason::kNoAction, directory, row, "no action");
        continue;
      }
      Event event = blank_event();
      event.user_id = records.user_id[i];
      event.at(EventColumn::kItem) = records.item_id[i];
      event.at(EventColumn::kTime) = records.time_us[i];
      const float value = records.value[i];
      if (!std::isnan(value) && is_watch_time(mapping, records.action[i])) {
        if (value >= 0)
          event.seconds(EventColumn::kWatchTime) = value;
        else
          intake.blank(EventColumn::kWatchTime);
      }
      if (items) items->fill(event);
      ONEFOLD_RETURN_IF_ERROR(intake.offer(event, records.action[i], std::nullopt));
    }
    return {};
  }));
  for (const TornTail& tail : log.torn_tails()) {
    intake.note(tail.path + ": " + tail.reason + "; " + std::to_string(tail.bytes_skipped) +
                " bytes after " + std::to_string(tail.num_records) + " records were not read");
  }
  return {};
}

}  // namespace onefold
