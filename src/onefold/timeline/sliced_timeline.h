// SPDX-License-Identifier: Apache-2.0
// SlicedTimeline: one user's timeline as pooling wants it. Whatever the cut-off, an event keeps its
// table rows, its mask and its weight, so they are made once and kept; a cut-off is then only a
// choice of windows.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "onefold/timeline/compiled_slices.h"
#include "onefold/timeline/slice_layout.h"

namespace onefold {

// Rows of the embedding tables that look up items, authors and topics.
struct IdTableRows {
  int64_t item = 1 << 17;
  int64_t author = 1 << 15;
  int64_t topic = 1 << 12;

  int64_t of(EventColumn id) const;  // REQUIRES: one of the three
  bool operator==(const IdTableRows&) const = default;
};

// E events, oldest first; C id columns as TimelineLayout::spaces.
struct SlicedTimeline {
  std::vector<int64_t> times_us;  // [E]
  std::vector<int32_t> rows;      // [C * E], column by column: hash64(id) mod the table's rows; -1
  std::vector<uint64_t> masks;    // [E * num_words] bit p: predicate p of the plan
  std::vector<float> weights;     // [E]; empty when no predicate is weighted

  int64_t num_events() const { return static_cast<int64_t>(times_us.size()); }
  int64_t bytes() const;
};

// Events [begin, end).
struct EventRange {
  int64_t begin = 0, end = 0;
  int64_t size() const { return end - begin; }
  bool operator==(const EventRange&) const = default;
};

class TimelineSlicer {
 public:
  // Of one timeline of `layout`, which must outlive it. REQUIRES: that timeline has slices.
  TimelineSlicer(const SliceLayout& layout, TimelineKind kind, const Vocabularies& vocabularies,
                 const IdTableRows& table_rows);

  // Row `row` of a TimelineBatch's tensor with the columns of columns().
  SlicedTimeline slice(const KeyedJaggedTensor& events, int64_t row) const;
  static std::vector<EventColumn> columns();
  int64_t bytes_per_event() const;  // of a SlicedTimeline

  // The events that each of the plan's windows holds for a cut-off, of the newest `max_events`
  // before it: never one at or after `cutoff_us`. [num_windows()]
  std::vector<EventRange> windows(std::span<const int64_t> times_us, int64_t cutoff_us,
                                  int64_t max_events) const;

  const TimelineLayout& layout() const { return layout_; }
  const CompiledSlices& compiled() const { return compiled_; }

 private:
  const TimelineLayout& layout_;
  TimelineKind kind_;
  CompiledSlices compiled_;
  std::vector<EventColumn> id_columns_;  // of each space
  std::vector<int64_t> id_rows_;         // rows of its tables
};

}  // namespace onefold
