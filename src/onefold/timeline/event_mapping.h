// SPDX-License-Identifier: Apache-2.0
// EventMapping: where the columns of somebody's events are, from a small TOML file.
//
//   [columns]
//   user       = "user_id"
//   item       = "video_id"
//   time       = { column = "time_ms", unit = "ms" }
//   watch_time = { column = "play_time_ms", unit = "ms" }
//   [action]
//   every_row = "impression"
//   flags     = { is_like = "like", is_comment = "comment" }
//   [timelines]
//   explicit = ["like", "comment"]
//   implicit = ["impression"]
//
// docs/verbs/timeline.md describes every key.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "onefold/base/status.h"
#include "onefold/timeline/event.h"

namespace onefold {

enum class TimeUnit { kSeconds, kMillis, kMicros, kNanos, kIso };

struct ColumnSource {
  std::string column = {};            // empty: the input has none
  TimeUnit unit = TimeUnit::kMicros;  // of times and durations
  bool hash = false;                  // ids: the cell's text is hashed to 64 bits

  bool given() const { return !column.empty(); }
};

// A table of item attributes that the events themselves lack.
struct ItemSource {
  std::string path;    // Parquet or CSV; empty: the feature log of the input
  char delimiter = 0;  // of CSV; 0: by the file's name
  ColumnSource item;   // not used with the feature log
  // By EventColumn: author, topic, media_type, duration. Columns of the file, or features.
  std::array<ColumnSource, kNumEventColumns> columns;
};

enum class ActionFate : uint8_t { kExplicit, kImplicit, kIgnore, kDrop };

struct EventMapping {
  ColumnSource user;
  // By EventColumn, without event id and action.
  std::array<ColumnSource, kNumEventColumns> columns;
  std::vector<std::string> event_id;  // columns; empty: user, item, time and action
  char delimiter = 0;                 // of CSV; 0: by the file's name

  std::string action_column;                               // or:
  std::string every_row;                                   // the action of every row, and
  std::vector<std::pair<std::string, std::string>> flags;  // column -> one more action if true

  std::vector<std::string> explicit_actions, implicit_actions, ignored_actions;
  ActionFate other_actions = ActionFate::kDrop;

  // Event logs: the actions whose value is a watch time in seconds; empty: the implicit ones.
  std::vector<std::string> watch_time_actions;

  std::optional<ItemSource> items;

  const ColumnSource& source(EventColumn column) const { return columns[static_cast<int>(column)]; }
  ActionFate fate(std::string_view action) const;

  // kInvalidArgument names `source` and the line: an unknown key, a missing or mistyped one, an
  // action on two lists. `directory` is what a relative items.path starts from.
  static Result<EventMapping> from_toml(const std::string& text, const std::string& source,
                                        const std::string& directory = ".");

  // For an event log without a mapping: impression, view, watch, play, read and dwell are
  // implicit, all other actions explicit.
  static EventMapping for_log();
};

}  // namespace onefold
