// SPDX-License-Identifier: Apache-2.0
#include "onefold/timeline/delta_writer.h"

#include <algorithm>
#include <limits>
#include <vector>

#include "onefold/timeline/admission.h"
#include "onefold/timeline/part_sequence.h"
#include "onefold/timeline/timeline_walk.h"
#include "onefold/timeline/user_list.h"

namespace onefold {
namespace {

constexpr ColumnSet kKeys = ColumnSet().with(EventColumn::kTime).with(EventColumn::kEventId);

// One timeline: what is stored, and the delta being written.
class TimelineDelta {
 public:
  TimelineDelta(const TimelineStore& store, TimelineKind kind, const TimelinePartOptions& options)
      : manifest_(store.manifest()),
        kind_(kind),
        stored_(walk_over(store.directory(), manifest_, kind, kKeys)),
        parts_(store, kind, options),
        range_starts_(manifest_.range_starts[static_cast<int>(kind)]) {}

  // The keys of all stored events of a user. REQUIRES: users ascend.
  Result<std::vector<EventKey>> stored_keys(int64_t user_id) {
    ONEFOLD_RETURN_IF_ERROR(stored_.seek(user_id));
    std::vector<EventKey> keys;
    if (!stored_.at(user_id)) return keys;
    for (const EventRun& run : stored_.runs()) {
      for (int64_t i = run.begin; i < run.end; ++i) {
        keys.push_back(
            {run.events->at(EventColumn::kTime)[i], run.events->at(EventColumn::kEventId)[i]});
      }
    }
    return keys;
  }

  Status add(int64_t user_id, const std::vector<Event>& events) {
    if (events.empty()) return {};
    ONEFOLD_RETURN_IF_ERROR(enter_range(user_id));
    columns_.clear();
    for (const Event& event : events) columns_.push(event);
    return parts_.add(user_id, columns_);
  }

  Status finish(TimelineManifest& manifest) {
    ONEFOLD_RETURN_IF_ERROR(parts_.end_part());
    for (TimelinePart& part : parts_.take()) {
      manifest.newest_time_us = std::max(manifest.newest_time_us, part.newest_time_us);
      manifest.parts.push_back(std::move(part));
    }
    manifest.range_starts[static_cast<int>(kind_)] = range_starts_;
    return {};
  }

 private:
  // Ends the open part when `user_id` is of another range; makes that range where none is stored.
  Status enter_range(int64_t user_id) {
    if (manifest_.num_ranges(kind_) > 0) {
      const int range = manifest_.range_of(kind_, user_id);
      if (range == range_) return {};
      range_ = range;
      return parts_.end_part();
    }
    if (range_starts_.empty()) {
      range_starts_.push_back(std::numeric_limits<int64_t>::min());
    } else if (parts_.open_events() >= manifest_.range_events) {
      range_starts_.push_back(user_id);
      return parts_.end_part();
    }
    return {};
  }

  const TimelineManifest& manifest_;  // before the delta
  TimelineKind kind_;
  TimelineWalk stored_;
  PartSequence parts_;
  std::vector<int64_t> range_starts_;
  int range_ = -1;
  EventColumns columns_;  // of the user at hand
};

class DeltaWriter {
 public:
  DeltaWriter(const TimelineStore& store, const TimelinePartOptions& options,
              TimelineManifest& manifest, IntakeReport& report)
      : store_(store),
        manifest_(manifest),
        report_(report),
        timelines_{TimelineDelta(store, TimelineKind::kExplicit, options),
                   TimelineDelta(store, TimelineKind::kImplicit, options)} {}

  Status write(EventSorter& events) {
    ONEFOLD_ASSIGN_OR_RETURN(const Event* event, events.next());
    while (event) {
      const int64_t user_id = event->user_id;
      std::array<NewestEvents, kNumTimelines> fresh = {NewestEvents(manifest_.max_events[0]),
                                                       NewestEvents(manifest_.max_events[1])};
      while (event && event->user_id == user_id) {
        fresh[static_cast<int>(event->timeline)].push(*event);
        ONEFOLD_ASSIGN_OR_RETURN(event, events.next());
      }
      ONEFOLD_RETURN_IF_ERROR(write_user(user_id, fresh));
    }
    for (TimelineDelta& timeline : timelines_) ONEFOLD_RETURN_IF_ERROR(timeline.finish(manifest_));
    return write_changes();
  }

 private:
  Status write_user(int64_t user_id, std::array<NewestEvents, kNumTimelines>& fresh) {
    bool known = false, touched = false;
    for (int t = 0; t < kNumTimelines; ++t) {
      report_.drops[DropReason::kDuplicate] += fresh[t].duplicates();
      report_.drops[DropReason::kOverCap] += fresh[t].over_cap();
      std::vector<Event> events = fresh[t].take();
      if (events.empty()) continue;
      ONEFOLD_ASSIGN_OR_RETURN(std::vector<EventKey> stored, timelines_[t].stored_keys(user_id));
      known |= !stored.empty();
      const int64_t max_events = manifest_.max_events[t];
      const int64_t visible = std::min<int64_t>(static_cast<int64_t>(stored.size()), max_events);
      const Admission admission = admit(std::move(events), std::move(stored), max_events);
      report_.drops[DropReason::kDuplicate] += admission.duplicates;
      report_.drops[DropReason::kOverCap] += admission.over_cap;
      manifest_.num_events[t] += admission.num_visible - visible;
      touched |= !admission.events.empty();
      ONEFOLD_RETURN_IF_ERROR(timelines_[t].add(user_id, admission.events));
    }
    return touched ? note_user(user_id, known) : Status();
  }

  // Counts a touched user; `known` when the timelines looked at have stored events.
  Status note_user(int64_t user_id, bool known) {
    ++report_.users_touched;
    touched_.push_back(user_id);
    for (TimelineDelta& timeline : timelines_) {
      if (known) return {};
      ONEFOLD_ASSIGN_OR_RETURN(const auto stored, timeline.stored_keys(user_id));
      known = !stored.empty();
    }
    if (known) return {};
    ++report_.users_new;
    ++manifest_.num_users;
    return {};
  }

  // A build touches everybody, and no list says so.
  Status write_changes() {
    const int64_t generation = store_.manifest().version.generation + 1;
    if (generation == 1 || touched_.empty()) return {};
    ChangedUsers changes{.generation = generation,
                         .path = changes_path(generation),
                         .num_users = static_cast<int64_t>(touched_.size())};
    ONEFOLD_RETURN_IF_ERROR(write_user_list(store_.path_of(changes.path), touched_));
    manifest_.changes.push_back(std::move(changes));
    return {};
  }

  const TimelineStore& store_;
  TimelineManifest& manifest_;
  IntakeReport& report_;
  std::array<TimelineDelta, kNumTimelines> timelines_;
  std::vector<int64_t> touched_;  // ascending
};

}  // namespace

Status write_delta(const TimelineStore& store, EventSorter& events,
                   const TimelinePartOptions& options, TimelineManifest& manifest,
                   IntakeReport& report) {
  return DeltaWriter(store, options, manifest, report).write(events);
}

}  // namespace onefold
