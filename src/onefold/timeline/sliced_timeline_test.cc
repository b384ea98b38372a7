// SPDX-License-Identifier: Apache-2.0
#include "onefold/timeline/sliced_timeline.h"

#include <gtest/gtest.h>

#include "onefold/base/hash.h"

namespace onefold {
namespace {

using enum EventColumn;

constexpr const char* kSlices = R"toml(
[[slice]]
name = "liked"
timeline = "explicit"
action = "like"
id = ["item", "author"]
window = ["full", "3d"]

[[slice]]
name = "seen"
timeline = "implicit"
score = { gamma = 1, min = 0.5 }
weight = "score"
window = ["3d", "full"]

[[slice]]
name = "swiped"
timeline = "implicit"
dwell = { max = 3 }
table_group = "implicit_item_negative"
)toml";

SliceSet test_slices() { return SliceSet::from_toml(kSlices, "slices.toml").value(); }

TEST(SliceLayout, TablesSpacesAndPlaces) {
  const SliceSet slices = test_slices();
  const SliceLayout layout = lay_out_slices(slices).value();
  std::vector<std::string> groups;
  std::vector<int> spaces;
  for (const SliceTable& table : layout.tables) {
    groups.push_back(table.group);
    spaces.push_back(table.space);
  }
  EXPECT_EQ(groups, (std::vector<std::string>{"explicit_item", "explicit_author", "implicit_item",
                                              "implicit_item_negative"}));
  EXPECT_EQ(spaces, (std::vector<int>{0, 1, 2, 2}));  // both implicit tables: the same ids
  EXPECT_EQ(layout.spaces, (std::vector<EventColumn>{kItem, kAuthor, kItem}));
  const TimelineLayout& implicit = layout.timelines[1];
  EXPECT_EQ(implicit.group_table, (std::vector<int>{2, 3}));
  EXPECT_EQ(implicit.id_columns, (std::vector<int64_t>{0, 0}));
  EXPECT_EQ(implicit.weighted, (std::vector<int64_t>{0}));
  EXPECT_EQ(implicit.gamma, 1);
  // Explicit: predicates item, author x windows full, 3d. Implicit: seen, swiped x 3d, full.
  EXPECT_EQ(layout.token_places, (std::vector<int64_t>{0, 2, 1, 3, 4, 6, 7}));
}

TEST(SliceLayout, OneGammaForTheWeightsOfATimeline) {
  const auto layout = lay_out_slices(SliceSet::from_toml(R"toml(
[[slice]]
name = "a"
timeline = "implicit"
score = [{ gamma = 1, min = 0.5 }, { gamma = 2, min = 0.5 }]
weight = "score"
)toml",
                                                         "two.toml")
                                         .value());
  ASSERT_FALSE(layout.ok());
  EXPECT_NE(layout.status().message().find("need one gamma"), std::string::npos)
      << layout.status().message();
}

// Two users; the second has three explicit events.
KeyedJaggedTensor explicit_events() {
  auto ids = [](std::vector<int64_t> values) {
    return JaggedTensor<int64_t>::make(std::move(values), {0, 1, 4}).value();
  };
  const JaggedTensor<float> floats =
      JaggedTensor<float>::make({NAN, NAN, NAN, NAN}, {0, 1, 4}).value();
  KeyedJaggedTensor events(2);
  events.add("item", ids({9, 1, 2, 3}));
  events.add("author", ids({9, 11, kMissing, 13}));
  events.add("topic", ids({9, kMissing, kMissing, kMissing}));
  events.add("time", ids({9, 100, 200, 300}));
  events.add("action", ids({0, 1, 1, 0}));
  events.add("surface", ids({kMissing, kMissing, kMissing, kMissing}));
  events.add("media_type", ids({kMissing, kMissing, kMissing, kMissing}));
  events.add("duration", floats);
  events.add("watch_time", floats);
  return events;
}

TEST(SlicedTimeline, RowsMasksAndWeightsOfOneUser) {
  const SliceSet slices = test_slices();
  const SliceLayout layout = lay_out_slices(slices).value();
  Vocabularies vocabularies;
  vocabularies.action.add("share");
  vocabularies.action.add("like");
  const TimelineSlicer slicer(layout, TimelineKind::kExplicit, vocabularies,
                              {.item = 50, .author = 7, .topic = 3});
  const SlicedTimeline sliced = slicer.slice(explicit_events(), 1);
  EXPECT_EQ(sliced.times_us, (std::vector<int64_t>{100, 200, 300}));
  auto row = [](int64_t id, uint64_t rows) { return static_cast<int32_t>(hash64(id) % rows); };
  EXPECT_EQ(sliced.rows,
            (std::vector<int32_t>{row(1, 50), row(2, 50), row(3, 50), row(11, 7), -1, row(13, 7)}));
  EXPECT_EQ(sliced.masks,
            (std::vector<uint64_t>{0b11, 0b01, 0b00}));  // 2 has no author, 3 is a share
  EXPECT_TRUE(sliced.weights.empty());
}

TEST(SlicedTimeline, WindowsEndBeforeTheCutOff) {
  const SliceSet slices = test_slices();
  const SliceLayout layout = lay_out_slices(slices).value();
  const TimelineSlicer slicer(layout, TimelineKind::kExplicit, {}, {});
  constexpr int64_t kDay = 86'400'000'000;
  const std::vector<int64_t> times = {0, kDay, 2 * kDay, 2 * kDay, 5 * kDay};
  auto windows = [&](int64_t cutoff, int64_t max_events) {
    return slicer.windows(times, cutoff, max_events);
  };
  // full, 3d
  EXPECT_EQ(windows(5 * kDay, 100), (std::vector<EventRange>{{0, 4}, {2, 4}}));
  EXPECT_EQ(windows(5 * kDay + 1, 100), (std::vector<EventRange>{{0, 5}, {4, 5}}));
  EXPECT_EQ(windows(2 * kDay, 100), (std::vector<EventRange>{{0, 2}, {0, 2}}));
  EXPECT_EQ(windows(5 * kDay, 1), (std::vector<EventRange>{{3, 4}, {3, 4}}));
  EXPECT_EQ(windows(0, 100), (std::vector<EventRange>{{0, 0}, {0, 0}}));
}

}  // namespace
}  // namespace onefold
