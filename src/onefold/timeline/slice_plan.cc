// SPDX-License-Identifier: Apache-2.0
#include "onefold/timeline/slice_plan.h"

#include <algorithm>
#include <map>
#include <string>

namespace onefold {

SlicePlan plan_slices(const SliceSet& slices, TimelineKind timeline) {
  SlicePlan plan{.timeline = timeline, .predicates = {}, .group_offsets = {0}};
  std::vector<Slice> predicates;
  std::map<std::string, int> predicate_of_rule;
  for (size_t group = 0; group < slices.table_groups().size(); ++group) {
    const size_t before = predicates.size();
    for (int i = 0; i < slices.size(); ++i) {
      Slice rule = slices.slices()[i];
      if (rule.timeline != timeline || slices.table_group(i) != static_cast<int>(group)) continue;
      rule.window_us = 0;
      const auto [known, is_new] =
          predicate_of_rule.try_emplace(slice_rule(rule), static_cast<int>(predicates.size()));
      if (is_new) predicates.push_back(std::move(rule));
      const int64_t window_us = slices.slices()[i].window_us;
      auto window = std::find(plan.windows_us.begin(), plan.windows_us.end(), window_us);
      if (window == plan.windows_us.end()) {
        window = plan.windows_us.insert(plan.windows_us.end(), window_us);
      }
      plan.places.push_back({.slice = i,
                             .predicate = known->second,
                             .window = static_cast<int>(window - plan.windows_us.begin())});
    }
    if (predicates.size() > before) {
      plan.group_offsets.push_back(static_cast<int>(predicates.size()));
    }
  }
  std::sort(plan.places.begin(), plan.places.end(),
            [](const SlicePlace& a, const SlicePlace& b) { return a.slice < b.slice; });
  plan.predicates = SliceSet::from_slices(std::move(predicates));
  return plan;
}

}  // namespace onefold
