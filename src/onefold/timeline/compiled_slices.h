// SPDX-License-Identifier: Apache-2.0
// CompiledSlices: a slice set against the vocabularies of timelines: which slices an event is in,
// as a bit mask.
//
// What a slice asks of an event does not depend on the cut-off, except for its window. So an event
// gets its mask once, and a cut-off resolves to a few segments of the timeline, each with the mask
// of the slices whose window reaches into it:
//
//   event             0    1    2    3    4    5        cut-off after event 4
//   mask              a    ab   b    a    ab   b        slice a: full, slice b: 3d
//   segments          [0, 3) allows a   [3, 5) allows a, b
//   selected          a    a         a    a b
//
// Slice i holds event e iff e lies in a segment s and masks[e] & s.allowed has bit i.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "onefold/jagged/keyed_jagged_tensor.h"
#include "onefold/timeline/slice_mask.h"
#include "onefold/timeline/slice_set.h"
#include "onefold/timeline/vocabulary.h"

namespace onefold {

// Events [begin, end) of a timeline.
struct WindowSegment {
  int64_t begin = 0, end = 0;
  SliceMask allowed;
  bool operator==(const WindowSegment&) const = default;
};

// E events of one timeline as borrowed columns.
struct EventView {
  std::span<const int64_t> item, author, topic;          // [E]
  std::span<const int64_t> action, surface, media_type;  // [E] codes
  std::span<const float> duration, watch_time;           // [E]

  int64_t num_events() const { return static_cast<int64_t>(item.size()); }
  EventView subview(int64_t begin, int64_t end) const;
};

// All events of all rows of a TimelineBatch's tensor, one row after another. REQUIRES: it has the
// columns of EventView.
EventView view_events(const KeyedJaggedTensor& events);

class CompiledSlices {
 public:
  CompiledSlices(const SliceSet& slices, const Vocabularies& vocabularies);

  // masks[e]: the slices of `timeline` that event e is in, whatever its time. [view.num_events()]
  void event_masks(TimelineKind timeline, const EventView& events,
                   std::span<SliceMask> masks) const;

  // Disjoint, ascending, together [0, number of events before the cut-off); segments that no slice
  // reaches are left out. `times_us` ascend. Events at or after `cutoff_us` are never selected:
  // with a gap of 24 h before a label, pass label time - 24 h.
  std::vector<WindowSegment> segments(TimelineKind timeline, std::span<const int64_t> times_us,
                                      int64_t cutoff_us) const;

  const SliceSet& slices() const { return slices_; }

  // Names in slices that the vocabularies lack, "slice 'x' (line 9): action 'lke'", once for all
  // slices of a cross-product. Such a name selects nothing.
  const std::vector<std::string>& unknown_names() const { return unknown_names_; }

 private:
  // Which slices accept a value, by the interval between sorted bounds that it falls into.
  struct Steps {
    std::vector<double> bounds;    // [N] ascending
    std::vector<SliceMask> masks;  // [N + 1]; masks[i]: bounds[i - 1] <= value < bounds[i]
    SliceMask missing;             // for NaN

    SliceMask at(double value) const;
  };
  // Everything that decides about events of one timeline.
  struct Rules {
    SliceMask slices;                                    // of this timeline
    std::vector<SliceMask> action, surface, media_type;  // [code + 1]; 0: missing
    std::array<SliceMask, 3> without;                    // id column is not item, author, topic
    Steps dwell, watch_ratio;
    std::vector<Steps> score;  // [gammas]
    bool any_dwell = false, any_ratio = false;
    std::vector<int64_t> windows_us;  // distinct, ascending, without full
    std::vector<SliceMask> reach;     // [windows_us + 1]; see make_windows()
  };

  static Steps make_steps(const SliceSet& slices, const SliceMask& own, const Range Slice::*range,
                          double gamma);
  std::vector<SliceMask> make_codes(const SliceMask& own,
                                    const std::vector<std::string> Slice::*names,
                                    const Vocabulary& vocabulary, const char* what);
  void make_windows(Rules& rules) const;

  SliceSet slices_;
  std::array<Rules, kNumTimelines> rules_;
  std::vector<std::string> unknown_names_;
};

// scores[e] = debiased_score() of event e at `gamma`, the weight of slices with weight = score; 0
// where there is none. [view.num_events()]
void event_scores(const EventView& events, double gamma, std::span<float> scores);

}  // namespace onefold
