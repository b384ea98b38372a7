// SPDX-License-Identifier: Apache-2.0
#include "onefold/ops/timeline_tensors.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <utility>

#include <ATen/ops/empty.h>

#include "onefold/base/check.h"
#include "onefold/base/lru_cache.h"
#include "onefold/ops/distinct_ids.h"

namespace onefold {
namespace {

// What is kept of a user.
struct SlicedUser {
  std::array<SlicedTimeline, kNumTimelines> timelines;

  int64_t bytes() const {
    int64_t total = sizeof(SlicedUser);
    for (const SlicedTimeline& timeline : timelines) total += timeline.bytes();
    return total;
  }
};
using User = std::shared_ptr<const SlicedUser>;

// One unique row of a batch.
struct Row {
  User user;
  int64_t cutoff_us = 0;
};

at::Tensor int32s(const std::vector<int32_t>& values) {
  at::Tensor tensor = at::empty({static_cast<int64_t>(values.size())}, at::kInt);
  if (!values.empty()) {
    std::memcpy(tensor.mutable_data_ptr(), values.data(), values.size() * sizeof(int32_t));
  }
  return tensor;
}

// A user's events in the batch: [events.begin, events.end) of the timeline, from `offset` on.
struct Placed {
  const SlicedTimeline* timeline = nullptr;
  EventRange events;
  int64_t offset = 0;
};

// Which events of one timeline a batch needs, and its windows over them.
class WindowPlacer {
 public:
  WindowPlacer(const TimelineSlicer& slicer, int timeline, int64_t max_events, bool share)
      : slicer_(slicer), timeline_(timeline), max_events_(max_events), share_(share) {}

  Status place(std::span<const Row> rows) {
    std::vector<std::vector<EventRange>> windows;  // of each row
    std::vector<size_t> placed_of;                 // of each row
    std::map<const SlicedUser*, size_t> known;
    for (const Row& row : rows) {
      const SlicedTimeline& timeline = row.user->timelines[timeline_];
      windows.push_back(slicer_.windows(timeline.times_us, row.cutoff_us, max_events_));
      size_t place = placed_.size();
      if (share_) place = known.try_emplace(row.user.get(), place).first->second;
      if (place == placed_.size()) placed_.push_back({&timeline, {INT64_MAX, INT64_MIN}});
      placed_of.push_back(place);
      EventRange& needed = placed_[place].events;
      for (const EventRange& window : windows.back()) {
        if (window.size() == 0) continue;
        needed = {std::min(needed.begin, window.begin), std::max(needed.end, window.end)};
      }
    }
    for (Placed& placed : placed_) {
      if (placed.events.end < placed.events.begin) placed.events = {0, 0};
      placed.offset = num_events_;
      num_events_ += placed.events.size();
    }
    if (num_events_ > INT32_MAX) {
      return invalid_argument("a batch has " + std::to_string(num_events_) +
                              " timeline events, more than 2^31 - 1: make it smaller");
    }
    for (size_t r = 0; r < rows.size(); ++r) add_windows(windows[r], placed_[placed_of[r]]);
    return {};
  }

  WindowPlan plan() const { return make_window_plan(int32s(begin_), int32s(end_), num_events_); }
  const std::vector<Placed>& placed() const { return placed_; }
  int64_t num_events() const { return num_events_; }

 private:
  void add_windows(const std::vector<EventRange>& windows, const Placed& placed) {
    for (const EventRange& window : windows) {
      // An empty window may lie anywhere; here it lies where the user's events begin.
      const int64_t begin = window.size() == 0 ? placed.events.begin : window.begin;
      const int64_t from = placed.offset + begin - placed.events.begin;
      begin_.push_back(static_cast<int32_t>(from));
      end_.push_back(static_cast<int32_t>(from + window.size()));
    }
  }

  const TimelineSlicer& slicer_;
  const int timeline_;
  const int64_t max_events_;
  const bool share_;
  std::vector<Placed> placed_;
  std::vector<int32_t> begin_, end_;
  int64_t num_events_ = 0;
};

class Tensorizer final : public TimelineTensorizer {
 public:
  Tensorizer(std::unique_ptr<TimelineReader> reader, const SliceLayout& layout,
             const TimelineTensorOptions& options)
      : layout_(layout),
        options_(options),
        reader_(std::move(reader)),
        cache_(options.cache_bytes) {
    for (TimelineKind kind : kTimelineKinds) {
      const int t = static_cast<int>(kind);
      if (layout.timelines[t].empty()) continue;
      slicers_[t].emplace(layout, kind, reader_->manifest().vocabularies, options.table_rows);
    }
    for (EventColumn space : layout.spaces) {
      distinct_.emplace_back(options.number_ids ? options.table_rows.of(space) : 0);
    }
  }

  Result<TimelineTensors> operator()(std::span<const int64_t> user_id,
                                     std::span<const int64_t> cutoff_us) override {
    ONEFOLD_CHECK(user_id.size() == cutoff_us.size(), "one cut-off per sample");
    ONEFOLD_ASSIGN_OR_RETURN(const auto users, find_users(user_id));
    std::vector<Row> rows;
    std::vector<int32_t> inverse;
    std::map<std::pair<int64_t, int64_t>, int32_t> known;
    for (size_t i = 0; i < user_id.size(); ++i) {
      auto row = static_cast<int32_t>(rows.size());
      if (options_.share) row = known.try_emplace({user_id[i], cutoff_us[i]}, row).first->second;
      if (row == static_cast<int32_t>(rows.size())) {
        rows.push_back({users.at(user_id[i]), cutoff_us[i]});
      }
      inverse.push_back(row);
    }
    return tensors_of(rows, inverse);
  }

  Result<TimelineTensors> from_batch(const TimelineBatch& batch, int64_t cutoff_us) override {
    std::vector<Row> rows;
    std::vector<int32_t> inverse;
    for (int64_t i = 0; i < batch.num_users(); ++i) {
      rows.push_back({slice_user(batch, i), cutoff_us});
      inverse.push_back(static_cast<int32_t>(i));
    }
    return tensors_of(rows, inverse);
  }

  std::vector<std::string> unknown_names() const override {
    std::vector<std::string> names;
    for (const auto& slicer : slicers_) {
      if (!slicer) continue;
      const auto& own = slicer->compiled().unknown_names();
      names.insert(names.end(), own.begin(), own.end());
    }
    return names;
  }

 private:
  User slice_user(const TimelineBatch& batch, int64_t row) const {
    auto user = std::make_shared<SlicedUser>();
    for (int t = 0; t < kNumTimelines; ++t) {
      if (slicers_[t]) user->timelines[t] = slicers_[t]->slice(batch.timelines[t], row);
    }
    return user;
  }

  // Slices every user, if all of them fit into the cache; once.
  Status read_all_if_they_fit() {
    if (std::exchange(asked_, true)) return {};
    const TimelineManifest& manifest = reader_->manifest();
    int64_t bytes = manifest.num_users * static_cast<int64_t>(sizeof(SlicedUser));
    for (int t = 0; t < kNumTimelines; ++t) {
      if (slicers_[t]) bytes += manifest.num_events[t] * slicers_[t]->bytes_per_event();
    }
    if (bytes > options_.cache_bytes) return {};
    while (true) {
      ONEFOLD_ASSIGN_OR_RETURN(const std::optional<TimelineBatch> batch, reader_->next());
      if (!batch) return {};
      for (int64_t i = 0; i < batch->num_users(); ++i) {
        const User user = slice_user(*batch, i);
        cache_.put(batch->user_id[i], user, user->bytes());
      }
    }
  }

  // From the cache, the others from the timelines in one read.
  Result<std::map<int64_t, User>> find_users(std::span<const int64_t> user_id) {
    ONEFOLD_RETURN_IF_ERROR(read_all_if_they_fit());
    std::map<int64_t, User> users;
    std::vector<int64_t> missing;
    for (int64_t user : user_id) {
      const auto [entry, is_new] = users.try_emplace(user);
      if (!is_new) continue;
      entry->second = cache_.get(user);
      if (entry->second == nullptr) missing.push_back(user);
    }
    if (missing.empty()) return users;
    ONEFOLD_ASSIGN_OR_RETURN(const TimelineBatch batch, reader_->read_users(missing));
    for (size_t i = 0; i < missing.size(); ++i) {
      const User user = slice_user(batch, static_cast<int64_t>(i));
      cache_.put(missing[i], user, user->bytes());
      users[missing[i]] = user;
    }
    return users;
  }

  Result<TimelineTensors> tensors_of(const std::vector<Row>& rows,
                                     const std::vector<int32_t>& inverse) {
    TimelineTensors tensors;
    tensors.num_rows = static_cast<int64_t>(rows.size());
    tensors.inverse_indices = int32s(inverse);
    tensors.is_identity = rows.size() == inverse.size();
    for (DistinctIds& space : distinct_) space.clear();
    for (int t = 0; t < kNumTimelines; ++t) {
      if (!slicers_[t]) continue;
      WindowPlacer placer(*slicers_[t], t, options_.max_events[t], options_.share);
      ONEFOLD_RETURN_IF_ERROR(placer.place(rows));
      tensors.timelines[t] = copy_events(layout_.timelines[t], placer);
    }
    if (!options_.number_ids) return tensors;
    for (const DistinctIds& space : distinct_) {
      const std::vector<int64_t>& ids = space.ids();
      at::Tensor tensor = at::empty({static_cast<int64_t>(ids.size())}, at::kLong);
      if (!ids.empty()) {
        std::memcpy(tensor.mutable_data_ptr(), ids.data(), ids.size() * sizeof(int64_t));
      }
      tensors.space_ids.push_back(std::move(tensor));
    }
    return tensors;
  }

  EventTensors copy_events(const TimelineLayout& timeline, const WindowPlacer& placer) {
    const int64_t num_events = placer.num_events(), words = timeline.num_words();
    const auto num_columns = static_cast<int64_t>(timeline.spaces.size());
    EventTensors events{.ids = at::empty({num_columns, num_events}, at::kLong),
                        .masks = at::empty({num_events, words}, at::kLong),
                        .weights = std::nullopt,
                        .windows = placer.plan()};
    if (!timeline.weighted.empty()) events.weights = at::empty({num_events}, at::kFloat);
    auto* masks = events.masks.mutable_data_ptr<int64_t>();
    for (const Placed& placed : placer.placed()) {
      const SlicedTimeline& from = *placed.timeline;
      if (placed.events.size() == 0) continue;
      std::memcpy(masks + placed.offset * words, from.masks.data() + placed.events.begin * words,
                  placed.events.size() * words * sizeof(int64_t));
      if (events.weights) {
        std::memcpy(events.weights->mutable_data_ptr<float>() + placed.offset,
                    from.weights.data() + placed.events.begin,
                    placed.events.size() * sizeof(float));
      }
      for (int64_t c = 0; c < num_columns; ++c) {
        copy_ids(timeline.spaces[c],
                 std::span(from.rows).subspan(c * from.num_events() + placed.events.begin,
                                              placed.events.size()),
                 events.ids.mutable_data_ptr<int64_t>() + c * num_events + placed.offset);
      }
    }
    return events;
  }

  void copy_ids(int space, std::span<const int32_t> rows, int64_t* to) {
    if (!options_.number_ids) {
      std::copy(rows.begin(), rows.end(), to);
      return;
    }
    for (int32_t row : rows) *to++ = row < 0 ? -1 : distinct_[space].number(row);
  }

  const SliceLayout& layout_;
  const TimelineTensorOptions options_;
  std::unique_ptr<TimelineReader> reader_;
  std::array<std::optional<TimelineSlicer>, kNumTimelines> slicers_;
  LruCache<int64_t, const SlicedUser> cache_;
  std::vector<DistinctIds> distinct_;  // one per id space
  bool asked_ = false;                 // read_all_if_they_fit()
};

}  // namespace

Result<std::unique_ptr<TimelineTensorizer>> TimelineTensorizer::open(
    const std::string& timelines, const SliceLayout& layout, const TimelineTensorOptions& options) {
  TimelineReadOptions read;
  read.columns = TimelineSlicer::columns();
  for (int t = 0; t < kNumTimelines; ++t) {
    if (layout.timelines[t].empty()) read.max_events[t] = 0;
  }
  // Sliced timelines are kept here; the reader's own cache only has to span one read.
  read.cache_bytes = 64 << 20;
  ONEFOLD_ASSIGN_OR_RETURN(auto reader, TimelineReader::open(timelines, read));
  return std::unique_ptr<TimelineTensorizer>(
      std::make_unique<Tensorizer>(std::move(reader), layout, options));
}

}  // namespace onefold
