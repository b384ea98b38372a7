// SPDX-License-Identifier: Apache-2.0
#include "onefold/build/join.h"

#include <algorithm>
#include <cmath>
#include <tuple>

namespace onefold {

int32_t EventJoin::action_index(const std::string& action) {
  const auto [it, is_new] = actions_.try_emplace(action, static_cast<int32_t>(actions_.size()));
  if (is_new) {
    std::vector<int32_t>& labels = labels_of_action_.emplace_back();
    for (size_t t = 0; t < labels_.size(); ++t) {
      if (labels_[t].action == action) labels.push_back(static_cast<int32_t>(t));
    }
  }
  return it->second;
}

void EventJoin::add(const EventRecords& records) {
  ONEFOLD_CHECK(!indexed_, "events come before the first join");
  for (int64_t i = 0; i < records.num_events(); ++i) {
    events_.push_back({.request_id = records.request_id[i],
                       .item_id = records.item_id[i],
                       .time_us = records.time_us[i],
                       .action = action_index(records.action[i]),
                       .value = records.value[i],
                       .joined = false});
  }
}

void EventJoin::leave_out(const std::unordered_set<int64_t>& request_ids) {
  ONEFOLD_CHECK(!indexed_, "events are left out before the first join");
  if (request_ids.empty()) return;
  std::erase_if(events_, [&](const Event& e) { return request_ids.contains(e.request_id); });
}

// Stable, so that values are summed in log order and a build repeats bit for bit.
void EventJoin::index_events() {
  indexed_ = true;
  std::stable_sort(events_.begin(), events_.end(), [](const Event& a, const Event& b) {
    return std::tie(a.request_id, a.item_id) < std::tie(b.request_id, b.item_id);
  });
  for (size_t begin = 0, end = 0; begin < events_.size(); begin = end) {
    const int64_t request_id = events_[begin].request_id;
    while (end < events_.size() && events_[end].request_id == request_id) ++end;
    range_of_request_.emplace(request_id, std::pair(begin, end));
  }
}

std::span<EventJoin::Event> EventJoin::events_of(int64_t request_id) {
  if (!indexed_) index_events();
  const auto it = range_of_request_.find(request_id);
  if (it == range_of_request_.end()) return {};
  return std::span(events_).subspan(it->second.first, it->second.second - it->second.first);
}

void EventJoin::add_labels(std::span<const Event> events, std::span<float> row) const {
  for (size_t t = 0; t < labels_.size(); ++t) {
    double sum = 0;
    bool any = false;
    for (const Event& event : events) {
      const std::vector<int32_t>& labels = labels_of_action_[event.action];
      if (std::find(labels.begin(), labels.end(), static_cast<int32_t>(t)) == labels.end())
        continue;
      any = true;
      if (!std::isnan(event.value)) sum += event.value;
    }
    row[t] = labels_[t].value ? static_cast<float>(sum) : (any ? 1.0f : 0.0f);
  }
}

void EventJoin::join(int64_t request_id, int64_t request_time_us, std::span<const int64_t> items,
                     std::span<float> out) {
  ONEFOLD_CHECK(out.size() == items.size() * labels_.size(), "labels are not [items, labels]");
  const std::span<Event> events = events_of(request_id);
  if (events.empty()) return;
  for (size_t i = 0; i < items.size(); ++i) {
    const auto by_item = [](const Event& event, int64_t item) { return event.item_id < item; };
    const auto begin = std::lower_bound(events.begin(), events.end(), items[i], by_item);
    auto end = begin;
    for (; end != events.end() && end->item_id == items[i]; ++end) {
      if (end->joined) continue;  // the item is shown twice; counted already
      end->joined = true;
      num_late_ += end->time_us - request_time_us > late_after_us_;
      num_early_ += end->time_us < request_time_us;
    }
    add_labels({begin, end}, out.subspan(i * labels_.size(), labels_.size()));
  }
}

std::vector<int64_t> EventJoin::label_events() const {
  std::vector<int64_t> events(labels_.size());
  for (const Event& event : events_) {
    if (!event.joined) continue;
    for (int32_t label : labels_of_action_[event.action]) ++events[label];
  }
  return events;
}

JoinStats EventJoin::stats() const {
  JoinStats stats{
      .events = static_cast<int64_t>(events_.size()), .late = num_late_, .early = num_early_};
  for (const Event& event : events_) {
    stats.orphans += !event.joined;
    stats.unlabelled += labels_of_action_[event.action].empty();
  }
  return stats;
}

}  // namespace onefold
