// SPDX-License-Identifier: Apache-2.0
// One logged action of one user, and many of them as columns.
//
// A timeline is a user's events of one kind in the order (time, event id), oldest first.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "onefold/base/status.h"

namespace onefold {

enum class TimelineKind : uint8_t {
  kExplicit,  // "explicit": like, share, comment, ...: what the user chose to say
  kImplicit,  // "implicit": impressions with watch time: what the user did
};
inline constexpr int kNumTimelines = 2;
inline constexpr std::array kTimelineKinds = {TimelineKind::kExplicit, TimelineKind::kImplicit};

const char* to_string(TimelineKind kind);
Result<TimelineKind> parse_timeline_kind(const std::string& name);

// Integer columns first; the floats are seconds.
enum class EventColumn : uint8_t {
  kItem,
  kAuthor,
  kTopic,
  kTime,     // microseconds since 1970 UTC
  kEventId,  // unique per user and timeline
  kAction,   // kAction, kSurface, kMediaType: codes into Vocabularies (vocabulary.h)
  kSurface,
  kMediaType,
  kDuration,   // length of the item, seconds
  kWatchTime,  // dwell, seconds
};
inline constexpr int kNumIntColumns = 8;
inline constexpr int kNumEventColumns = 10;

constexpr bool is_float(EventColumn column) { return static_cast<int>(column) >= kNumIntColumns; }

// The column's name in files and in KeyedJaggedTensors: "item", "author", ..., "watch_time".
const char* to_string(EventColumn column);
Result<EventColumn> parse_event_column(const std::string& name);

// An integer that the event does not have (no author, unknown surface); NULL in files. A missing
// float is NaN. Item, time, event id and action are never missing.
inline constexpr int64_t kMissing = std::numeric_limits<int64_t>::min();

// Which columns are read.
class ColumnSet {
 public:
  static constexpr ColumnSet all() { return ColumnSet((1u << kNumEventColumns) - 1); }
  constexpr ColumnSet() = default;
  constexpr ColumnSet with(EventColumn column) const {
    return ColumnSet(bits_ | 1u << static_cast<int>(column));
  }
  constexpr bool has(EventColumn column) const { return bits_ >> static_cast<int>(column) & 1; }
  constexpr bool has(int column) const { return bits_ >> column & 1; }
  bool operator==(const ColumnSet&) const = default;

 private:
  explicit constexpr ColumnSet(uint32_t bits) : bits_(bits) {}
  uint32_t bits_ = 0;
};

// One event on its way into a timeline. Trivially copyable: spill files hold it as it is.
struct Event {
  int64_t user_id = 0;
  std::array<int64_t, kNumIntColumns> ints = {};
  std::array<float, kNumEventColumns - kNumIntColumns> floats = {};
  TimelineKind timeline = TimelineKind::kExplicit;
  int64_t arrival = 0;  // position in the input: decides between copies of one event

  int64_t& at(EventColumn column) { return ints[static_cast<int>(column)]; }
  int64_t at(EventColumn column) const { return ints[static_cast<int>(column)]; }
  float& seconds(EventColumn column) { return floats[static_cast<int>(column) - kNumIntColumns]; }
  float seconds(EventColumn column) const {
    return floats[static_cast<int>(column) - kNumIntColumns];
  }
};

// What orders the events of one timeline.
struct EventKey {
  int64_t time_us = 0;
  int64_t event_id = 0;
  auto operator<=>(const EventKey&) const = default;
};

inline EventKey key_of(const Event& event) {
  return {event.at(EventColumn::kTime), event.at(EventColumn::kEventId)};
}

// N events as columns; columns that were not read are empty.
struct EventColumns {
  std::array<std::vector<int64_t>, kNumIntColumns> ints;                     // [N] each
  std::array<std::vector<float>, kNumEventColumns - kNumIntColumns> floats;  // [N] each
  int64_t num_events = 0;

  std::vector<int64_t>& at(EventColumn column) { return ints[static_cast<int>(column)]; }
  const std::vector<int64_t>& at(EventColumn column) const {
    return ints[static_cast<int>(column)];
  }
  std::vector<float>& seconds(EventColumn column) {
    return floats[static_cast<int>(column) - kNumIntColumns];
  }
  const std::vector<float>& seconds(EventColumn column) const {
    return floats[static_cast<int>(column) - kNumIntColumns];
  }

  void push(const Event& event);
  // Events [begin, end) of `from`, which has at least `columns`; only those are appended.
  void append(const EventColumns& from, int64_t begin, int64_t end,
              ColumnSet columns = ColumnSet::all());
  void clear();
};

}  // namespace onefold
