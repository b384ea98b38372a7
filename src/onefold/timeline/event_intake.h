// SPDX-License-Identifier: Apache-2.0
// EventIntake: the gate that every event passes on its way in: finds its timeline and its id,
// hands it on, and counts those that may not pass.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "onefold/base/status.h"
#include "onefold/timeline/event.h"
#include "onefold/timeline/event_mapping.h"
#include "onefold/timeline/intake_report.h"
#include "onefold/timeline/vocabulary.h"

namespace onefold {

class EventIntake {
 public:
  using Emit = std::function<Status(const Event&)>;

  // All must outlive the intake.
  EventIntake(const EventMapping& mapping, Vocabularies& vocabularies, IntakeReport& report,
              Emit emit);

  // Passes on an event of which everything is set but action, event id and timeline. `given_id`
  // is the id its source gave it, if any; else it is the hash of user, item, time and action.
  // kSchema when a name does not fit into its vocabulary any more.
  Status offer(Event event, std::string_view action, std::optional<int64_t> given_id);

  // Counts an event that does not get as far as offer(). `what` says what is wrong with it.
  void drop(DropReason reason, const std::string& file, int64_t row, const std::string& what);
  void blank(EventColumn column) { ++report_.blanked[static_cast<int>(column)]; }
  void count_rows(int64_t rows) { report_.rows_read += rows; }
  void note(std::string text) { report_.notes.push_back(std::move(text)); }

  // The code of a surface or media type. kSchema when there are too many.
  Result<int64_t> code(EventColumn column, std::string_view name);

 private:
  struct Action {
    ActionFate fate = ActionFate::kDrop;
    int64_t code = kMissing;
    uint64_t hash = 0;
  };
  Result<const Action*> find_action(std::string_view name);

  const EventMapping& mapping_;
  Vocabularies& vocabularies_;
  IntakeReport& report_;
  Emit emit_;
  std::unordered_map<std::string, Action> actions_;
  std::string last_action_;  // its key, so that runs of one action need no lookup
  const Action* last_ = nullptr;
};

// `event` with every optional column missing.
Event blank_event();

}  // namespace onefold
