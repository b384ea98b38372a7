// SPDX-License-Identifier: Apache-2.0
#include "onefold/timeline/admission.h"

#include <algorithm>
#include <functional>

namespace onefold {
namespace {

// Leaves the `count` newest keys, the oldest of them in front. REQUIRES: 0 < count < keys.size().
void keep_newest(std::vector<EventKey>& keys, int64_t count) {
  std::nth_element(keys.begin(), keys.begin() + (count - 1), keys.end(), std::greater<>());
  keys.resize(static_cast<size_t>(count));
  std::swap(keys.front(), keys.back());
}

// Removes from `fresh` what `stored` has by id; returns how many.
int64_t remove_stored(std::vector<Event>& fresh, const std::vector<EventKey>& stored) {
  std::unordered_set<int64_t> ids, known;
  for (const Event& event : fresh) ids.insert(event.at(EventColumn::kEventId));
  for (const EventKey& key : stored) {
    if (ids.contains(key.event_id)) known.insert(key.event_id);
  }
  if (known.empty()) return 0;
  return static_cast<int64_t>(std::erase_if(
      fresh, [&](const Event& event) { return known.contains(event.at(EventColumn::kEventId)); }));
}

}  // namespace

void NewestEvents::push(const Event& event) {
  if (!ids_.insert(event.at(EventColumn::kEventId)).second) {
    ++duplicates_;
    return;
  }
  events_.push_back(event);
  if (static_cast<int64_t>(ids_.size()) <= max_events_) return;
  ids_.erase(events_[first_++].at(EventColumn::kEventId));
  ++over_cap_;
  if (static_cast<int64_t>(first_) >= max_events_) {
    events_.erase(events_.begin(), events_.begin() + static_cast<int64_t>(first_));
    first_ = 0;
  }
}

std::vector<Event> NewestEvents::take() {
  events_.erase(events_.begin(), events_.begin() + static_cast<int64_t>(first_));
  std::vector<Event> taken;
  taken.swap(events_);
  first_ = 0;
  ids_.clear();
  duplicates_ = over_cap_ = 0;
  return taken;
}

Admission admit(std::vector<Event> fresh, std::vector<EventKey> stored, int64_t max_events) {
  Admission admission;
  if (static_cast<int64_t>(stored.size()) > max_events) keep_newest(stored, max_events);
  admission.duplicates = remove_stored(fresh, stored);
  const auto both = static_cast<int64_t>(stored.size() + fresh.size());
  admission.num_visible = std::min(both, max_events);
  admission.over_cap = both - admission.num_visible;
  if (admission.over_cap > 0) {
    std::vector<EventKey> keys = std::move(stored);
    for (const Event& event : fresh) keys.push_back(key_of(event));
    keep_newest(keys, max_events);
    const EventKey oldest = keys.front();
    std::erase_if(fresh, [&](const Event& event) { return key_of(event) < oldest; });
  }
  admission.events = std::move(fresh);
  return admission;
}

}  // namespace onefold
