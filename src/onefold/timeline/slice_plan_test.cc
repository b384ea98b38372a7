// SPDX-License-Identifier: Apache-2.0
#include "onefold/timeline/slice_plan.h"

#include <gtest/gtest.h>

#include "onefold/timeline/compiled_slices.h"

namespace onefold {
namespace {

TEST(PlanSlices, WindowsShareAPredicate) {
  const SliceSet set = SliceSet::from_toml(R"(
[[slice]]
name = "liked"
timeline = "explicit"
id = ["item", "author"]
window = ["full", "7d"]
[[slice]]
name = "shared"
timeline = "explicit"
action = "share"
window = "7d"
[[slice]]
name = "seen"
timeline = "implicit"
)",
                                           "test")
                           .value();
  const SlicePlan plan = plan_slices(set, TimelineKind::kExplicit);
  // Group explicit_item has two predicates, explicit_author one.
  ASSERT_EQ(plan.predicates.size(), 3);
  EXPECT_EQ(plan.predicates.table_groups(),
            (std::vector<std::string>{"explicit_item", "explicit_author"}));
  EXPECT_EQ(plan.group_offsets, (std::vector<int>{0, 2, 3}));
  EXPECT_EQ(plan.windows_us, (std::vector<int64_t>{0, int64_t{7} * 86400 * 1000000}));
  EXPECT_EQ(plan.places,
            (std::vector<SlicePlace>{{0, 0, 0}, {1, 0, 1}, {2, 2, 0}, {3, 2, 1}, {4, 1, 1}}));
  EXPECT_EQ(plan_slices(set, TimelineKind::kImplicit).places, (std::vector<SlicePlace>{{5, 0, 0}}));
}

// Predicate masks and windows select what the slices' own masks and segments select.
TEST(PlanSlices, SelectsTheSame) {
  const SliceSet set = SliceSet::load("short_video").value();
  const std::vector<int64_t> item = {1, 2, 3, 4, 5, 6}, author = {1, kMissing, 3, 4, 5, 6},
                             code = {0, 0, 0, 0, 0, 0};
  const std::vector<float> duration = {10, 20, 0, 40, 100, 6}, watched = {3, 25, 9, 1, 80, 6};
  const EventView events = {item, author, author, code, code, code, duration, watched};
  constexpr int64_t kDay = int64_t{86400} * 1000000;
  const std::vector<int64_t> times = {0, 3 * kDay, 5 * kDay, 7 * kDay, 8 * kDay, 9 * kDay};
  const int64_t cutoff = 9 * kDay;
  Vocabularies names;
  for (Vocabulary* all : {&names.action, &names.surface, &names.media_type}) all->add("like");
  for (TimelineKind kind : kTimelineKinds) {
    const SlicePlan plan = plan_slices(set, kind);
    EXPECT_LE(plan.predicates.size() * 3, 204);
    const CompiledSlices whole(set, names), split(plan.predicates, names);
    std::vector<SliceMask> masks(6), predicate_masks(6);
    whole.event_masks(kind, events, masks);
    split.event_masks(kind, events, predicate_masks);
    std::vector<SliceMask> selected(6);
    for (const WindowSegment& segment : whole.segments(kind, times, cutoff)) {
      for (int64_t e = segment.begin; e < segment.end; ++e)
        selected[e] = masks[e] & segment.allowed;
    }
    for (const SlicePlace& place : plan.places) {
      const int64_t window = plan.windows_us[place.window];
      for (int e = 0; e < 6; ++e) {
        const bool inside = times[e] < cutoff && (window == 0 || times[e] >= cutoff - window);
        EXPECT_EQ(inside && predicate_masks[e].test(place.predicate), selected[e].test(place.slice))
            << set.slices()[place.slice].name << ", event " << e;
      }
    }
  }
}

}  // namespace
}  // namespace onefold
