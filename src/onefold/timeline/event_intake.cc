// SPDX-License-Identifier: Apache-2.0
#include "onefold/timeline/event_intake.h"

#include <array>
#include <limits>

#include "onefold/base/hash.h"

namespace onefold {
namespace {

constexpr size_t kMaxShownName = 40;

Status full_vocabulary(EventColumn column, std::string_view name) {
  return schema_error(std::string("more than ") + std::to_string(Vocabulary::kMaxNames) +
                      " distinct names of " + to_string(column) + " ('" +
                      std::string(name.substr(0, kMaxShownName)) +
                      "' is one more); is that the right column?");
}

}  // namespace

Event blank_event() {
  Event event;
  event.ints.fill(kMissing);
  event.floats.fill(std::numeric_limits<float>::quiet_NaN());
  return event;
}

EventIntake::EventIntake(const EventMapping& mapping, Vocabularies& vocabularies,
                         IntakeReport& report, Emit emit)
    : mapping_(mapping), vocabularies_(vocabularies), report_(report), emit_(std::move(emit)) {}

Result<const EventIntake::Action*> EventIntake::find_action(std::string_view name) {
  if (last_ && last_action_ == name) return last_;
  const auto [entry, inserted] = actions_.try_emplace(std::string(name));
  if (inserted) {
    Action& action = entry->second;
    action.fate = mapping_.fate(name);
    action.hash = hash64(name.data(), name.size());
    if (action.fate == ActionFate::kExplicit || action.fate == ActionFate::kImplicit) {
      action.code = vocabularies_.action.add(name);
      if (action.code < 0) return full_vocabulary(EventColumn::kAction, name);
    }
  }
  last_action_ = entry->first;
  last_ = &entry->second;  // node-based: stays put
  return last_;
}

Status EventIntake::offer(Event event, std::string_view action_name,
                          std::optional<int64_t> given_id) {
  ++report_.events_read;
  ONEFOLD_ASSIGN_OR_RETURN(const Action* action, find_action(action_name));
  if (action->fate == ActionFate::kDrop || action->fate == ActionFate::kIgnore) {
    ++report_.drops[action->fate == ActionFate::kDrop ? DropReason::kUnknownAction
                                                      : DropReason::kIgnoredAction];
    return {};
  }
  event.timeline =
      action->fate == ActionFate::kExplicit ? TimelineKind::kExplicit : TimelineKind::kImplicit;
  event.at(EventColumn::kAction) = action->code;
  if (given_id && mapping_.flags.empty()) {
    event.at(EventColumn::kEventId) = *given_id;
  } else if (given_id) {  // several events of one row: the row's id is not theirs alone
    event.at(EventColumn::kEventId) = static_cast<int64_t>(hash64(*given_id, action->hash));
  } else {
    const std::array<int64_t, 3> key = {event.user_id, event.at(EventColumn::kItem),
                                        event.at(EventColumn::kTime)};
    event.at(EventColumn::kEventId) =
        static_cast<int64_t>(hash64(key.data(), sizeof(key), action->hash));
  }
  return emit_(event);
}

void EventIntake::drop(DropReason reason, const std::string& file, int64_t row,
                       const std::string& what) {
  ++report_.events_read;
  ++report_.drops[reason];
  if (report_.examples.size() < IntakeReport::kMaxExamples) {
    report_.examples.push_back(file + ": row " + std::to_string(row) + ": " + what);
  }
}

Result<int64_t> EventIntake::code(EventColumn column, std::string_view name) {
  Vocabulary& vocabulary =
      column == EventColumn::kSurface ? vocabularies_.surface : vocabularies_.media_type;
  const int64_t code = vocabulary.add(name);
  if (code < 0) return full_vocabulary(column, name);
  return code;
}

}  // namespace onefold
