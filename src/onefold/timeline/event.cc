// SPDX-License-Identifier: Apache-2.0
#include "onefold/timeline/event.h"

#include <algorithm>

namespace onefold {
namespace {

constexpr std::array<const char*, kNumEventColumns> kColumnNames = {
    "item",   "author",  "topic",      "time",     "event_id",
    "action", "surface", "media_type", "duration", "watch_time"};

}  // namespace

const char* to_string(TimelineKind kind) {
  return kind == TimelineKind::kExplicit ? "explicit" : "implicit";
}

Result<TimelineKind> parse_timeline_kind(const std::string& name) {
  for (TimelineKind kind : kTimelineKinds) {
    if (name == to_string(kind)) return kind;
  }
  return invalid_argument("'" + name + "' is no timeline; there are 'explicit' and 'implicit'");
}

const char* to_string(EventColumn column) { return kColumnNames[static_cast<int>(column)]; }

Result<EventColumn> parse_event_column(const std::string& name) {
  const auto found = std::find(kColumnNames.begin(), kColumnNames.end(), name);
  if (found == kColumnNames.end()) {
    return invalid_argument("'" + name + "' is no column of a timeline");
  }
  return static_cast<EventColumn>(found - kColumnNames.begin());
}

void EventColumns::push(const Event& event) {
  for (int i = 0; i < kNumIntColumns; ++i) ints[i].push_back(event.ints[i]);
  for (size_t i = 0; i < floats.size(); ++i) floats[i].push_back(event.floats[i]);
  ++num_events;
}

void EventColumns::append(const EventColumns& from, int64_t begin, int64_t end, ColumnSet columns) {
  const auto copy = [&](const auto& source, auto& target) {
    target.insert(target.end(), source.begin() + begin, source.begin() + end);
  };
  for (int i = 0; i < kNumEventColumns; ++i) {
    if (!columns.has(i)) continue;
    if (i < kNumIntColumns)
      copy(from.ints[i], ints[i]);
    else
      copy(from.floats[i - kNumIntColumns], floats[i - kNumIntColumns]);
  }
  num_events += end - begin;
}

void EventColumns::clear() {
  for (auto& column : ints) column.clear();
  for (auto& column : floats) column.clear();
  num_events = 0;
}

}  // namespace onefold
