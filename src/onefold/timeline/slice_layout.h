// SPDX-License-Identifier: Apache-2.0
// SliceLayout: a slice set as a model pools it: which table every group of slices looks up, which
// ids number its rows, and where each slice comes out.
//
//   slices            liked.item.full  liked.item.7d  seen.item.full  seen.author.full
//   tables            explicit_item    explicit_item  implicit_item   implicit_author
//   id spaces         0                0              1               2
//
// Tables of one id space are looked up with the ids of the same column of the same events, so a
// batch numbers the distinct ids of a space once, for all its tables.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "onefold/timeline/slice_plan.h"
#include "onefold/timeline/slice_set.h"

namespace onefold {

struct SliceTable {
  std::string group;  // SliceSet::table_groups()
  EventColumn id = EventColumn::kItem;
  int space = 0;
};

// What pooling one timeline needs to know; without slices of that timeline, all is empty.
struct TimelineLayout {
  SlicePlan plan;
  std::vector<int> spaces;          // numbered by this timeline's events, in the order of their ids
  std::vector<int> group_table;     // of each group of plan.predicates: index into tables
  std::vector<int64_t> id_columns;  // of each group: index into spaces
  std::vector<int64_t> weighted;    // predicates with SliceWeight::kScore
  double gamma = 0;                 // of the weighted ones

  bool empty() const { return plan.places.empty(); }
  int64_t num_predicates() const { return plan.predicates.size(); }
  int64_t num_windows() const { return static_cast<int64_t>(plan.windows_us.size()); }
  int64_t num_words() const { return (num_predicates() + 63) / 64; }
};

struct SliceLayout {
  std::vector<SliceTable> tables;   // as SliceSet::table_groups()
  std::vector<EventColumn> spaces;  // the id column of each
  std::array<TimelineLayout, kNumTimelines> timelines;
  // Slice i is place token_places[i] of the pooled [explicit windows x predicates, then implicit
  // windows x predicates].
  std::vector<int64_t> token_places;
};

// kInvalidArgument when weighted slices of one timeline score with different gammas: an event has
// one weight.
Result<SliceLayout> lay_out_slices(const SliceSet& slices);

}  // namespace onefold
