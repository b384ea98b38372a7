// SPDX-License-Identifier: Apache-2.0
// Compiled masks and segments against the rules read one by one.
#include "onefold/timeline/compiled_slices.h"

#include <algorithm>
#include <cmath>
#include <random>

#include <gtest/gtest.h>

namespace onefold {
namespace {

constexpr int64_t kDay = int64_t{86400} * 1000000;

// N events as owned columns.
struct Columns {
  std::vector<int64_t> item, author, topic, action, surface, media_type, time;
  std::vector<float> duration, watch_time;

  EventView view() const {
    return {item, author, topic, action, surface, media_type, duration, watch_time};
  }
};

Columns random_events(uint64_t seed, int count, const Vocabularies& names) {
  std::mt19937_64 random(seed);
  const auto maybe = [&](int64_t value) { return random() % 5 == 0 ? kMissing : value; };
  const auto maybe_seconds = [&](float value) { return random() % 5 == 0 ? NAN : value; };
  Columns columns;
  int64_t time = -3 * kDay;
  for (int i = 0; i < count; ++i) {
    time += static_cast<int64_t>(random() % 3) * kDay / 40;  // ties
    columns.time.push_back(time);
    columns.item.push_back(static_cast<int64_t>(random() % 100));
    columns.author.push_back(maybe(5));
    columns.topic.push_back(maybe(6));
    columns.action.push_back(static_cast<int64_t>(random() % names.action.size()));
    columns.surface.push_back(maybe(static_cast<int64_t>(random() % names.surface.size())));
    columns.media_type.push_back(maybe(static_cast<int64_t>(random() % names.media_type.size())));
    columns.duration.push_back(maybe_seconds(static_cast<float>(random() % 4) * 10));
    columns.watch_time.push_back(maybe_seconds(static_cast<float>(random() % 60)));
  }
  return columns;
}

bool named(const std::vector<std::string>& any_of, const Vocabulary& names, int64_t code) {
  if (any_of.empty()) return true;
  return code != kMissing &&
         std::find(any_of.begin(), any_of.end(), names.name(code)) != any_of.end();
}

// The reference: does the slice, as declared, hold event `e` at this cut-off?
bool selects(const Slice& slice, TimelineKind timeline, const Columns& events, size_t e,
             const Vocabularies& names, int64_t cutoff_us) {
  if (slice.timeline != timeline || events.time[e] >= cutoff_us) return false;
  if (slice.window_us > 0 && events.time[e] < cutoff_us - slice.window_us) return false;
  if (!named(slice.actions, names.action, events.action[e]) ||
      !named(slice.surfaces, names.surface, events.surface[e]) ||
      !named(slice.media_types, names.media_type, events.media_type[e])) {
    return false;
  }
  const int64_t id = slice.id == EventColumn::kItem     ? events.item[e]
                     : slice.id == EventColumn::kAuthor ? events.author[e]
                                                        : events.topic[e];
  if (id == kMissing) return false;
  const double dwell = events.watch_time[e], duration = events.duration[e];
  if (slice.dwell.bounded() && !(dwell >= slice.dwell.min && dwell < slice.dwell.max)) return false;
  if (slice.watch_ratio.bounded()) {
    if (!(duration > 0)) return false;
    const double ratio = dwell / duration;
    if (!(ratio >= slice.watch_ratio.min && ratio < slice.watch_ratio.max)) return false;
  }
  if (slice.gamma > 0) {
    if (!(duration > 0) || std::isnan(dwell)) return false;
    const double score = std::log1p(dwell) / std::log1p(slice.gamma * duration);
    if (!(score >= slice.score.min && score < slice.score.max)) return false;
  }
  return true;
}

Vocabularies test_names() {
  Vocabularies names;
  names.action = Vocabulary::make({"like", "share", "hide", "impression"}).value();
  names.surface = Vocabulary::make({"feed", "reels"}).value();
  names.media_type = Vocabulary::make({"video", "photo", "text"}).value();
  return names;
}

// Every kind of filter, alone and together.
constexpr const char* kSlices = R"(
[defaults]
window = ["full", "7d", "3d", "2h"]
[[slice]]
name = "all"
timeline = ["explicit", "implicit"]
id = ["item", "author", "topic"]
[[slice]]
name = "acted"
timeline = "explicit"
action = ["like", ["share", "hide"], "never"]
[[slice]]
name = "where"
timeline = "implicit"
surface = ["feed", "reels"]
media_type = ["video", ["photo", "text"]]
window = "7d"
[[slice]]
name = "dwell"
timeline = "implicit"
dwell = [{ max = 3 }, { min = 3, max = 15 }, { min = 15 }, { min = 10, max = 40 }]
[[slice]]
name = "ratio"
timeline = "implicit"
watch_ratio = [{ min = 0.5 }, { max = 0.1 }, { min = 0.9, max = 1.5 }]
id = "author"
[[slice]]
name = "score"
timeline = "implicit"
score = [{ gamma = 1, min = 0.7 }, { gamma = 1 }, { gamma = 0.5, min = 0.5, max = 1.2 }]
weight = ["score", "none"]
window = ["full", "3d"]
[[slice]]
name = "everything"
timeline = "implicit"
surface = "feed"
media_type = "video"
dwell = { min = 2 }
watch_ratio = { min = 0.2 }
score = { gamma = 0.5, min = 0.4 }
)";

TEST(CompiledSlices, MasksAndSegmentsEqualTheRules) {
  const SliceSet set = SliceSet::from_toml(kSlices, "test").value();
  const Vocabularies names = test_names();
  const CompiledSlices compiled(set, names);
  int64_t selected_in_all = 0;
  for (uint64_t seed = 0; seed < 8; ++seed) {
    const Columns events = random_events(seed, 400, names);
    for (TimelineKind kind : kTimelineKinds) {
      std::vector<SliceMask> masks(events.time.size());
      compiled.event_masks(kind, events.view(), masks);
      // At an event's time, between two, before the first, after the last.
      for (int64_t cutoff : {events.time[200], events.time[300] + 1, events.time.front(),
                             events.time.back() + kDay}) {
        const auto segments = compiled.segments(kind, events.time, cutoff);
        std::vector<SliceMask> selected(events.time.size());
        int64_t end = 0;
        for (const WindowSegment& segment : segments) {
          EXPECT_GE(segment.begin, end);
          EXPECT_LT(segment.begin, segment.end);
          end = segment.end;
          for (int64_t e = segment.begin; e < segment.end; ++e) {
            selected[e] = masks[e] & segment.allowed;
          }
        }
        for (size_t e = 0; e < events.time.size(); ++e) {
          for (int i = 0; i < set.size(); ++i) {
            const bool expected = selects(set.slices()[i], kind, events, e, names, cutoff);
            selected_in_all += expected;
            ASSERT_EQ(selected[e].test(i), expected)
                << set.slices()[i].name << ", event " << e << ", cut-off " << cutoff;
          }
        }
      }
    }
  }
  EXPECT_GT(selected_in_all, 10000);
}

TEST(CompiledSlices, ACutoffIsNeverPassed) {
  const SliceSet set = SliceSet::load("short_video").value();
  const CompiledSlices compiled(set, test_names());
  const std::vector<int64_t> times = {0, kDay, 2 * kDay, 3 * kDay, 3 * kDay, 10 * kDay};
  const int64_t label_time = 4 * kDay;
  // A gap of a day: events from 3 * kDay on must not be seen, not even those at the cut-off.
  for (TimelineKind kind : kTimelineKinds) {
    const auto segments = compiled.segments(kind, times, label_time - kDay);
    ASSERT_FALSE(segments.empty());
    EXPECT_EQ(segments.back().end, 3);
  }
  EXPECT_TRUE(compiled.segments(TimelineKind::kExplicit, times, 0).empty());
  EXPECT_TRUE(compiled.segments(TimelineKind::kExplicit, {}, kDay).empty());
  // The earliest cut-off there is.
  EXPECT_TRUE(compiled.segments(TimelineKind::kExplicit, times, std::numeric_limits<int64_t>::min())
                  .empty());
}

TEST(CompiledSlices, SegmentsWithoutAnySliceAreLeftOut) {
  const SliceSet set =
      SliceSet::from_toml("[[slice]]\nname = \"a\"\ntimeline = \"explicit\"\nwindow = \"2d\"\n",
                          "t")
          .value();
  const CompiledSlices compiled(set, {});
  const std::vector<int64_t> times = {0, kDay, 2 * kDay, 3 * kDay};
  const auto segments = compiled.segments(TimelineKind::kExplicit, times, 3 * kDay);
  ASSERT_EQ(segments.size(), 1u);
  EXPECT_EQ(segments[0].begin, 1);  // the beginning of a window is part of it
  EXPECT_EQ(segments[0].end, 3);
  EXPECT_TRUE(compiled.segments(TimelineKind::kImplicit, times, 3 * kDay).empty());
}

TEST(CompiledSlices, NamesThatTheDataLacks) {
  const SliceSet set = SliceSet::from_toml(kSlices, "test").value();
  const CompiledSlices compiled(set, test_names());
  ASSERT_EQ(compiled.unknown_names().size(), 1u);
  EXPECT_EQ(compiled.unknown_names()[0], "slice 'acted.never.full' (line 8): action 'never'");
}

TEST(DebiasedScore, GuardsItsDivision) {
  EXPECT_TRUE(std::isnan(debiased_score(5, 0, 1)));
  EXPECT_TRUE(std::isnan(debiased_score(5, NAN, 1)));
  EXPECT_TRUE(std::isnan(debiased_score(NAN, 5, 1)));
  EXPECT_TRUE(std::isnan(debiased_score(5, -3, 1)));
  EXPECT_EQ(debiased_score(0, 10, 1), 0);
  EXPECT_DOUBLE_EQ(debiased_score(10, 10, 1), 1);
  EXPECT_DOUBLE_EQ(debiased_score(10, 20, 0.5), 1);

  const Columns events = {.item = {1, 2},
                          .author = {1, 1},
                          .topic = {1, 1},
                          .action = {0, 0},
                          .surface = {0, 0},
                          .media_type = {0, 0},
                          .time = {0, 0},
                          .duration = {10, 0},
                          .watch_time = {10, 10}};
  std::vector<float> scores(2);
  event_scores(events.view(), 1, scores);
  EXPECT_EQ(scores, (std::vector<float>{1, 0}));
}

}  // namespace
}  // namespace onefold
