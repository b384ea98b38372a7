// SPDX-License-Identifier: Apache-2.0
#include "onefold/build/join.h"

#include <algorithm>
#include <cmath>

#include "onefold/base/check.h"

namespace onefold {

int32_t LabelActions::index_of(const std::string& action) {
  const std::lock_guard lock(adding_);
  const auto [it, is_new] = actions_.try_emplace(action, static_cast<int32_t>(actions_.size()));
  if (is_new) {
    std::vector<int32_t>& labels = labels_of_action_.emplace_back();
    for (size_t t = 0; t < labels_.size(); ++t) {
      if (labels_[t].action == action) labels.push_back(static_cast<int32_t>(t));
    }
  }
  return it->second;
}

void EventJoin::add_labels(std::span<const RequestEvent> events, std::span<float> row) const {
  for (size_t t = 0; t < row.size(); ++t) {
    double sum = 0;
    bool any = false;
    for (const RequestEvent& event : events) {
      const std::vector<int32_t>& labels = actions_.labels_of(event.action);
      if (std::find(labels.begin(), labels.end(), static_cast<int32_t>(t)) == labels.end())
        continue;
      any = true;
      if (!std::isnan(event.value)) sum += event.value;
    }
    row[t] = actions_.labels()[t].value ? static_cast<float>(sum) : (any ? 1.0f : 0.0f);
  }
}

void EventJoin::count_joined(const RequestEvent& event, int64_t request_time_us) {
  num_late_ += event.time_us - request_time_us > late_after_us_;
  num_early_ += event.time_us < request_time_us;
  for (const int32_t label : actions_.labels_of(event.action)) ++label_events_[label];
}

void EventJoin::join(int64_t request_time_us, std::span<const int64_t> items,
                     std::span<const RequestEvent> events, std::span<float> out) {
  const size_t num_labels = actions_.labels().size();
  ONEFOLD_CHECK(out.size() == items.size() * num_labels, "labels are not [items, labels]");
  if (events.empty()) return;
  joined_.assign(events.size(), 0);
  for (size_t i = 0; i < items.size(); ++i) {
    const auto by_item = [](const RequestEvent& event, int64_t item) {
      return event.item_id < item;
    };
    const auto begin = std::lower_bound(events.begin(), events.end(), items[i], by_item);
    auto end = begin;
    for (; end != events.end() && end->item_id == items[i]; ++end) {
      char& joined = joined_[end - events.begin()];
      if (joined) continue;  // the item is shown twice; counted already
      joined = 1;
      count_joined(*end, request_time_us);
    }
    if (begin != end) add_labels({begin, end}, out.subspan(i * num_labels, num_labels));
  }
  num_orphans_ += std::count(joined_.begin(), joined_.end(), 0);
}

}  // namespace onefold
