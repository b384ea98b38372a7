// SPDX-License-Identifier: Apache-2.0
#include "onefold/timeline/timeline_text.h"

#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "onefold/timeline/utc_time.h"

namespace onefold {
namespace {

using nlohmann::json;

struct PartTotals {
  int64_t parts = 0, bytes = 0, stored_events = 0;
};

PartTotals totals_of(const TimelineManifest& manifest, TimelineKind kind) {
  PartTotals totals;
  for (const TimelinePart& part : manifest.parts) {
    if (part.timeline != kind) continue;
    ++totals.parts;
    totals.bytes += part.bytes;
    totals.stored_events += part.num_events;
  }
  return totals;
}

double per(int64_t count, int64_t of) {
  return of == 0 ? 0 : static_cast<double>(count) / static_cast<double>(of);
}

const Vocabulary* vocabulary_of(const Vocabularies& all, EventColumn column) {
  if (column == EventColumn::kAction) return &all.action;
  if (column == EventColumn::kSurface) return &all.surface;
  if (column == EventColumn::kMediaType) return &all.media_type;
  return nullptr;
}

// One cell of one event as JSON; null when missing.
json cell(const UserEvents& events, TimelineKind kind, EventColumn column, int64_t index) {
  const KeyedJaggedTensor& rows = events.batch.events(kind);
  if (is_float(column)) {
    const float seconds = rows.get<float>(to_string(column)).values()[index];
    return std::isnan(seconds) ? json() : json(seconds);
  }
  const int64_t value = rows.get<int64_t>(to_string(column)).values()[index];
  if (value == kMissing) return json();
  if (const Vocabulary* names = vocabulary_of(events.vocabularies, column)) {
    return names->name(value);
  }
  return value;
}

std::string shown(const UserEvents& events, TimelineKind kind, EventColumn column, int64_t index) {
  const json value = cell(events, kind, column, index);
  if (value.is_null()) return "-";
  if (column == EventColumn::kTime) return format_utc(value.get<int64_t>());
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number_float()) return fmt::format("{:.1f}", value.get<double>());
  return value.dump();
}

}  // namespace

std::string to_text(const IntakeReport& report) {
  std::string text = fmt::format(
      "read {} rows, {} events: {} net into timelines of {} users ({} "
      "new), {} dropped\n",
      report.rows_read, report.events_read, report.events_read - report.drops.total(),
      report.users_touched, report.users_new, report.drops.total());
  for (int i = 0; i < kNumDropReasons; ++i) {
    if (report.drops.counts[i] == 0) continue;
    text += fmt::format("  dropped {:<15} {:>12}\n", to_string(static_cast<DropReason>(i)),
                        report.drops.counts[i]);
  }
  for (int i = 0; i < kNumEventColumns; ++i) {
    if (report.blanked[i] == 0) continue;
    text += fmt::format("  unreadable {:<12} {:>12}  (the events are kept without it)\n",
                        to_string(static_cast<EventColumn>(i)), report.blanked[i]);
  }
  for (const std::string& example : report.examples) text += "  " + example + "\n";
  for (const std::string& note : report.notes) text += "  " + note + "\n";
  return text;
}

std::string summary_text(const TimelineManifest& manifest) {
  std::string text =
      fmt::format("{} users; newest event {} UTC; id {}, generation {}\n", manifest.num_users,
                  manifest.parts.empty() ? "-" : format_utc(manifest.newest_time_us),
                  manifest.version.id, manifest.version.generation);
  for (TimelineKind kind : kTimelineKinds) {
    const PartTotals totals = totals_of(manifest, kind);
    const int64_t events = manifest.num_events[static_cast<int>(kind)];
    text += fmt::format(
        "  {}  {:>12} events, {:.1f} a user (newest {} kept); {} parts, {} bytes, "
        "{:.1f} a stored event\n",
        to_string(kind), events, per(events, manifest.num_users),
        manifest.max_events[static_cast<int>(kind)], totals.parts, totals.bytes,
        per(totals.bytes, totals.stored_events));
  }
  return text;
}

json summary_json(const TimelineManifest& manifest) {
  json summary = {{"id", manifest.version.id},
                  {"generation", manifest.version.generation},
                  {"users", manifest.num_users},
                  {"newest_time_us", manifest.newest_time_us},
                  {"actions", manifest.vocabularies.action.names()},
                  {"surfaces", manifest.vocabularies.surface.names()},
                  {"media_types", manifest.vocabularies.media_type.names()}};
  for (TimelineKind kind : kTimelineKinds) {
    const PartTotals totals = totals_of(manifest, kind);
    summary[to_string(kind)] = {{"events", manifest.num_events[static_cast<int>(kind)]},
                                {"max_events", manifest.max_events[static_cast<int>(kind)]},
                                {"parts", totals.parts},
                                {"bytes", totals.bytes},
                                {"stored_events", totals.stored_events}};
  }
  json history = json::array();
  for (const TimelineCommit& commit : manifest.history) {
    json entry = to_json(commit.report);
    entry["generation"] = commit.generation;
    entry["kind"] = commit.kind;
    history.push_back(std::move(entry));
  }
  summary["history"] = std::move(history);
  return summary;
}

std::string history_text(const TimelineManifest& manifest) {
  std::string text = fmt::format("{:>10}  {:<7}  {:>12}  {:>12}  {:>10}  {:>10}\n", "generation",
                                 "kind", "events read", "dropped", "users", "new users");
  for (const TimelineCommit& commit : manifest.history) {
    text += fmt::format("{:>10}  {:<7}  {:>12}  {:>12}  {:>10}  {:>10}\n", commit.generation,
                        commit.kind, commit.report.events_read, commit.report.drops.total(),
                        commit.report.users_touched, commit.report.users_new);
  }
  return text;
}

Result<UserEvents> read_user_events(const std::string& directory, int64_t user_id, int64_t newest) {
  // All of the user's events, to count them; one user is small.
  ONEFOLD_ASSIGN_OR_RETURN(auto all,
                           TimelineReader::open(directory, {.columns = {EventColumn::kTime}}));
  const std::array<int64_t, 1> users = {user_id};
  ONEFOLD_ASSIGN_OR_RETURN(const TimelineBatch counted, all->read_users(users));
  UserEvents events;
  for (TimelineKind kind : kTimelineKinds) {
    events.num_events[static_cast<int>(kind)] =
        counted.events(kind).get<int64_t>(to_string(EventColumn::kTime)).num_values();
  }
  if (events.num_events[0] + events.num_events[1] == 0) {
    return not_found(fmt::format("{}: user {} has no timeline", directory, user_id));
  }
  ONEFOLD_ASSIGN_OR_RETURN(auto reader,
                           TimelineReader::open(directory, {.max_events = {newest, newest}}));
  ONEFOLD_ASSIGN_OR_RETURN(events.batch, reader->read_users(users));
  events.vocabularies = reader->manifest().vocabularies;
  return events;
}

std::string to_text(const UserEvents& events) {
  constexpr EventColumn kShown[] = {
      EventColumn::kTime,      EventColumn::kAction,   EventColumn::kItem,
      EventColumn::kAuthor,    EventColumn::kTopic,    EventColumn::kSurface,
      EventColumn::kMediaType, EventColumn::kDuration, EventColumn::kWatchTime};
  std::string text = fmt::format("user {}\n", events.batch.user_id[0]);
  for (TimelineKind kind : kTimelineKinds) {
    const int64_t rows =
        events.batch.events(kind).get<int64_t>(to_string(EventColumn::kTime)).num_values();
    text += fmt::format("{}: {} events, the newest {}\n", to_string(kind),
                        events.num_events[static_cast<int>(kind)], rows);
    for (int64_t i = rows - 1; i >= 0; --i) {
      text += " ";
      for (EventColumn column : kShown) {
        text += fmt::format(" {:>{}}", shown(events, kind, column, i),
                            column == EventColumn::kTime ? 19 : 10);
      }
      text += "\n";
    }
  }
  text +=
      "columns: time (UTC), action, item, author, topic, surface, media type, duration and "
      "watch time (s)\n";
  return text;
}

json to_json(const UserEvents& events) {
  json object = {{"user_id", events.batch.user_id[0]}};
  for (TimelineKind kind : kTimelineKinds) {
    json list = json::array();
    const int64_t rows =
        events.batch.events(kind).get<int64_t>(to_string(EventColumn::kTime)).num_values();
    for (int64_t i = rows - 1; i >= 0; --i) {
      json event;
      for (int c = 0; c < kNumEventColumns; ++c) {
        const auto column = static_cast<EventColumn>(c);
        event[column == EventColumn::kTime ? "time_us" : to_string(column)] =
            cell(events, kind, column, i);
      }
      list.push_back(std::move(event));
    }
    object[to_string(kind)] = {{"num_events", events.num_events[static_cast<int>(kind)]},
                               {"newest", std::move(list)}};
  }
  return object;
}

}  // namespace onefold
