// SPDX-License-Identifier: Apache-2.0
#include "onefold/timeline/slice_layout.h"

#include <algorithm>
#include <map>
#include <utility>

#include <fmt/format.h>

namespace onefold {
namespace {

// Bit t: slices of timeline t look the group's table up.
std::vector<unsigned> timelines_of_groups(const SliceSet& slices) {
  std::vector<unsigned> timelines(slices.table_groups().size());
  for (int i = 0; i < slices.size(); ++i) {
    timelines[slices.table_group(i)] |= 1u << static_cast<int>(slices.slices()[i].timeline);
  }
  return timelines;
}

void number_spaces(const SliceSet& slices, SliceLayout& layout) {
  const std::vector<unsigned> timelines = timelines_of_groups(slices);
  std::map<std::pair<EventColumn, unsigned>, int> known;
  for (size_t g = 0; g < timelines.size(); ++g) {
    const EventColumn id = slices.group_id(static_cast<int>(g));
    const auto [space, is_new] =
        known.try_emplace({id, timelines[g]}, static_cast<int>(layout.spaces.size()));
    if (is_new) layout.spaces.push_back(id);
    layout.tables.push_back({slices.table_groups()[g], id, space->second});
  }
}

int index_of(const std::vector<std::string>& names, const std::string& name) {
  return static_cast<int>(std::find(names.begin(), names.end(), name) - names.begin());
}

void place_groups(const SliceSet& slices, const SliceLayout& layout, TimelineLayout& timeline) {
  for (const std::string& group : timeline.plan.predicates.table_groups()) {
    const int table = index_of(slices.table_groups(), group);
    const int space = layout.tables[table].space;
    auto column = std::find(timeline.spaces.begin(), timeline.spaces.end(), space);
    if (column == timeline.spaces.end()) {
      column = timeline.spaces.insert(timeline.spaces.end(), space);
    }
    timeline.group_table.push_back(table);
    timeline.id_columns.push_back(column - timeline.spaces.begin());
  }
}

Status find_weights(TimelineLayout& timeline) {
  const std::vector<Slice>& predicates = timeline.plan.predicates.slices();
  const Slice* first = nullptr;
  for (size_t p = 0; p < predicates.size(); ++p) {
    if (predicates[p].weight != SliceWeight::kScore) continue;
    if (first == nullptr) first = &predicates[p];
    if (predicates[p].gamma != first->gamma) {
      return invalid_argument(
          fmt::format("slice '{}' (line {}) is weighted by the score at gamma {}, slice '{}' (line "
                      "{}) by that at {}: weighted slices of one timeline need one gamma",
                      first->name, first->line, first->gamma, predicates[p].name,
                      predicates[p].line, predicates[p].gamma));
    }
    timeline.weighted.push_back(static_cast<int64_t>(p));
    timeline.gamma = first->gamma;
  }
  return {};
}

}  // namespace

Result<SliceLayout> lay_out_slices(const SliceSet& slices) {
  SliceLayout layout;
  layout.token_places.resize(slices.size());
  number_spaces(slices, layout);
  int64_t places_before = 0;
  for (TimelineKind kind : kTimelineKinds) {
    TimelineLayout& timeline = layout.timelines[static_cast<int>(kind)];
    timeline.plan = plan_slices(slices, kind);
    place_groups(slices, layout, timeline);
    ONEFOLD_RETURN_IF_ERROR(find_weights(timeline));
    for (const SlicePlace& place : timeline.plan.places) {
      layout.token_places[place.slice] =
          places_before + place.window * timeline.num_predicates() + place.predicate;
    }
    places_before += timeline.num_windows() * timeline.num_predicates();
  }
  return layout;
}

}  // namespace onefold
