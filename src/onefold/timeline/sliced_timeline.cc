// SPDX-License-Identifier: Apache-2.0
#include "onefold/timeline/sliced_timeline.h"

#include <algorithm>

#include "onefold/base/check.h"
#include "onefold/base/hash.h"

namespace onefold {
namespace {

template <typename T>
int64_t bytes_of(const std::vector<T>& values) {
  return static_cast<int64_t>(values.size() * sizeof(T));
}

std::span<const int64_t> ids_of(const EventView& events, EventColumn column) {
  switch (column) {
    case EventColumn::kItem:
      return events.item;
    case EventColumn::kAuthor:
      return events.author;
    default:
      return events.topic;
  }
}

void hash_rows(std::span<const int64_t> ids, int64_t num_rows, std::vector<int32_t>& rows) {
  for (int64_t id : ids) {
    rows.push_back(
        id == kMissing ? -1 : static_cast<int32_t>(hash64(id) % static_cast<uint64_t>(num_rows)));
  }
}

}  // namespace

int64_t IdTableRows::of(EventColumn id) const {
  switch (id) {
    case EventColumn::kItem:
      return item;
    case EventColumn::kAuthor:
      return author;
    case EventColumn::kTopic:
      return topic;
    default:
      ONEFOLD_CHECK(false, "not an id column");
  }
}

int64_t SlicedTimeline::bytes() const {
  return bytes_of(times_us) + bytes_of(rows) + bytes_of(masks) + bytes_of(weights);
}

TimelineSlicer::TimelineSlicer(const SliceLayout& layout, TimelineKind kind,
                               const Vocabularies& vocabularies, const IdTableRows& table_rows)
    : layout_(layout.timelines[static_cast<int>(kind)]),
      kind_(kind),
      compiled_(layout_.plan.predicates, vocabularies) {
  ONEFOLD_CHECK(!layout_.empty(), "a timeline without slices is not sliced");
  for (int space : layout_.spaces) {
    id_columns_.push_back(layout.spaces[space]);
    id_rows_.push_back(table_rows.of(layout.spaces[space]));
  }
}

std::vector<EventColumn> TimelineSlicer::columns() {
  using enum EventColumn;
  return {kItem, kAuthor, kTopic, kTime, kAction, kSurface, kMediaType, kDuration, kWatchTime};
}

int64_t TimelineSlicer::bytes_per_event() const {
  const auto num_columns = static_cast<int64_t>(id_columns_.size());
  const int64_t weight = layout_.weighted.empty() ? 0 : sizeof(float);
  return sizeof(int64_t) + num_columns * static_cast<int64_t>(sizeof(int32_t)) +
         layout_.num_words() * static_cast<int64_t>(sizeof(uint64_t)) + weight;
}

SlicedTimeline TimelineSlicer::slice(const KeyedJaggedTensor& events, int64_t row) const {
  const JaggedTensor<int64_t>& times = events.get<int64_t>(to_string(EventColumn::kTime));
  const EventView view =
      view_events(events).subview(times.offsets()[row], times.offsets()[row + 1]);
  SlicedTimeline sliced;
  const auto own = times.row(row);
  sliced.times_us.assign(own.begin(), own.end());
  sliced.rows.reserve(id_columns_.size() * own.size());
  for (size_t c = 0; c < id_columns_.size(); ++c) {
    hash_rows(ids_of(view, id_columns_[c]), id_rows_[c], sliced.rows);
  }
  std::vector<SliceMask> masks(own.size());
  compiled_.event_masks(kind_, view, masks);
  const int64_t num_words = layout_.num_words();
  sliced.masks.reserve(own.size() * num_words);
  for (const SliceMask& mask : masks) {
    sliced.masks.insert(sliced.masks.end(), mask.words.begin(), mask.words.begin() + num_words);
  }
  if (!layout_.weighted.empty()) {
    sliced.weights.resize(own.size());
    event_scores(view, layout_.gamma, sliced.weights);
  }
  return sliced;
}

std::vector<EventRange> TimelineSlicer::windows(std::span<const int64_t> times_us,
                                                int64_t cutoff_us, int64_t max_events) const {
  auto first_at = [&](int64_t time_us) {
    return std::lower_bound(times_us.begin(), times_us.end(), time_us) - times_us.begin();
  };
  const int64_t end = first_at(cutoff_us);
  const int64_t oldest = std::max<int64_t>(0, end - max_events);
  std::vector<EventRange> ranges;
  for (int64_t window_us : layout_.plan.windows_us) {
    const int64_t begin = window_us == 0 ? 0 : first_at(cutoff_us - window_us);
    ranges.push_back({std::min(end, std::max(oldest, begin)), end});
  }
  return ranges;
}

}  // namespace onefold
