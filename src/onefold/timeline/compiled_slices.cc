// SPDX-License-Identifier: Apache-2.0
#include "onefold/timeline/compiled_slices.h"

#include <algorithm>
#include <limits>
#include <set>

#include <fmt/format.h>

namespace onefold {
namespace {

SliceMask complement(const SliceMask& mask, const SliceMask& within) {
  SliceMask result;
  for (int i = 0; i < 4; ++i) result.words[i] = within.words[i] & ~mask.words[i];
  return result;
}

}  // namespace

EventView EventView::subview(int64_t begin, int64_t end) const {
  const auto cut = [&](auto column) { return column.subspan(begin, end - begin); };
  return {cut(item),    cut(author),     cut(topic),    cut(action),
          cut(surface), cut(media_type), cut(duration), cut(watch_time)};
}

EventView view_events(const KeyedJaggedTensor& events) {
  const auto ids = [&](EventColumn column) -> std::span<const int64_t> {
    return events.get<int64_t>(to_string(column)).values();
  };
  const auto seconds = [&](EventColumn column) -> std::span<const float> {
    return events.get<float>(to_string(column)).values();
  };
  return {ids(EventColumn::kItem),         ids(EventColumn::kAuthor),
          ids(EventColumn::kTopic),        ids(EventColumn::kAction),
          ids(EventColumn::kSurface),      ids(EventColumn::kMediaType),
          seconds(EventColumn::kDuration), seconds(EventColumn::kWatchTime)};
}

void event_scores(const EventView& events, double gamma, std::span<float> scores) {
  ONEFOLD_CHECK(static_cast<int64_t>(scores.size()) == events.num_events(), "one score an event");
  for (size_t i = 0; i < scores.size(); ++i) {
    const double score = debiased_score(events.watch_time[i], events.duration[i], gamma);
    scores[i] = std::isnan(score) ? 0.0f : static_cast<float>(score);
  }
}

SliceMask CompiledSlices::Steps::at(double value) const {
  if (std::isnan(value)) return missing;
  const auto above = std::upper_bound(bounds.begin(), bounds.end(), value);
  return masks[above - bounds.begin()];
}

// `gamma` 0: the range is not of a score.
CompiledSlices::Steps CompiledSlices::make_steps(const SliceSet& slices, const SliceMask& own,
                                                 const Range Slice::*range, double gamma) {
  std::set<double> bounds;
  Steps steps;
  const auto applies = [&](const Slice& slice) { return gamma == 0 || slice.gamma == gamma; };
  own.for_each([&](int i) {
    const Slice& slice = slices.slices()[i];
    const Range& bound = slice.*range;
    if (!applies(slice)) {
      steps.missing.set(i);
      return;
    }
    if (std::isfinite(bound.min)) bounds.insert(bound.min);
    if (std::isfinite(bound.max)) bounds.insert(bound.max);
    // A slice that scores needs a score, even without a threshold.
    if (!bound.bounded() && gamma == 0) steps.missing.set(i);
  });
  steps.bounds.assign(bounds.begin(), bounds.end());
  for (size_t step = 0; step <= steps.bounds.size(); ++step) {
    const double inside =
        step == 0 ? -std::numeric_limits<double>::infinity() : steps.bounds[step - 1];
    SliceMask& mask = steps.masks.emplace_back();
    own.for_each([&](int i) {
      const Slice& slice = slices.slices()[i];
      const Range& bound = slice.*range;
      if (!applies(slice) || (inside >= bound.min && inside < bound.max)) mask.set(i);
    });
  }
  return steps;
}

std::vector<SliceMask> CompiledSlices::make_codes(const SliceMask& own,
                                                  const std::vector<std::string> Slice::*names,
                                                  const Vocabulary& vocabulary, const char* what) {
  std::vector<SliceMask> masks(static_cast<size_t>(vocabulary.size()) + 1);
  own.for_each([&](int i) {
    const Slice& slice = slices_.slices()[i];
    if ((slice.*names).empty()) {
      for (SliceMask& mask : masks) mask.set(i);
    }
    for (const std::string& name : slice.*names) {
      const int64_t code = vocabulary.find(name);
      if (code >= 0) {
        masks[code + 1].set(i);
      } else {
        // Once for all slices of a cross-product.
        const std::string missing = fmt::format(" (line {}): {} '{}'", slice.line, what, name);
        const bool known =
            std::any_of(unknown_names_.begin(), unknown_names_.end(),
                        [&](const std::string& other) { return other.ends_with(missing); });
        if (!known) unknown_names_.push_back("slice '" + slice.name + "'" + missing);
      }
    }
  });
  return masks;
}

// reach[k]: the slices whose window is full or at least windows_us[k]. Walking from the cut-off
// back in time, reach[0] (all) is allowed up to windows_us[0], reach[1] up to windows_us[1], and
// reach[windows_us.size()] (full only) beyond.
void CompiledSlices::make_windows(Rules& rules) const {
  std::set<int64_t> windows;
  rules.slices.for_each([&](int i) {
    if (slices_.slices()[i].window_us > 0) windows.insert(slices_.slices()[i].window_us);
  });
  rules.windows_us.assign(windows.begin(), windows.end());
  for (size_t k = 0; k <= rules.windows_us.size(); ++k) {
    SliceMask& mask = rules.reach.emplace_back();
    rules.slices.for_each([&](int i) {
      const int64_t window = slices_.slices()[i].window_us;
      if (window == 0 || (k < rules.windows_us.size() && window >= rules.windows_us[k])) {
        mask.set(i);
      }
    });
  }
}

CompiledSlices::CompiledSlices(const SliceSet& slices, const Vocabularies& vocabularies)
    : slices_(slices) {
  for (TimelineKind kind : kTimelineKinds) {
    Rules& rules = rules_[static_cast<int>(kind)];
    std::array<SliceMask, 3> with;
    for (int i = 0; i < slices_.size(); ++i) {
      const Slice& slice = slices_.slices()[i];
      if (slice.timeline != kind) continue;
      rules.slices.set(i);
      with[static_cast<int>(slice.id)].set(i);
      rules.any_dwell |= slice.dwell.bounded();
      rules.any_ratio |= slice.watch_ratio.bounded();
    }
    for (int id = 0; id < 3; ++id) rules.without[id] = complement(with[id], rules.slices);
    rules.action = make_codes(rules.slices, &Slice::actions, vocabularies.action, "action");
    rules.surface = make_codes(rules.slices, &Slice::surfaces, vocabularies.surface, "surface");
    rules.media_type =
        make_codes(rules.slices, &Slice::media_types, vocabularies.media_type, "media type");
    rules.dwell = make_steps(slices_, rules.slices, &Slice::dwell, 0);
    rules.watch_ratio = make_steps(slices_, rules.slices, &Slice::watch_ratio, 0);
    for (double gamma : slices_.gammas()) {
      rules.score.push_back(make_steps(slices_, rules.slices, &Slice::score, gamma));
    }
    make_windows(rules);
  }
}

void CompiledSlices::event_masks(TimelineKind timeline, const EventView& events,
                                 std::span<SliceMask> masks) const {
  ONEFOLD_CHECK(static_cast<int64_t>(masks.size()) == events.num_events(), "one mask an event");
  const Rules& rules = rules_[static_cast<int>(timeline)];
  const auto code_mask = [](const std::vector<SliceMask>& by_code, int64_t code) {
    return by_code[code == kMissing ? 0 : code + 1];
  };
  for (size_t e = 0; e < masks.size(); ++e) {
    SliceMask mask = code_mask(rules.action, events.action[e]);
    mask &= code_mask(rules.surface, events.surface[e]);
    mask &= code_mask(rules.media_type, events.media_type[e]);
    if (events.item[e] == kMissing) mask &= rules.without[0];
    if (events.author[e] == kMissing) mask &= rules.without[1];
    if (events.topic[e] == kMissing) mask &= rules.without[2];
    if (!mask.any()) {
      masks[e] = mask;
      continue;
    }
    const double dwell = events.watch_time[e], duration = events.duration[e];
    if (rules.any_dwell) mask &= rules.dwell.at(dwell);
    if (rules.any_ratio) mask &= rules.watch_ratio.at(watch_ratio(dwell, duration));
    for (size_t g = 0; g < rules.score.size(); ++g) {
      mask &= rules.score[g].at(debiased_score(dwell, duration, slices_.gammas()[g]));
    }
    masks[e] = mask;
  }
}

std::vector<WindowSegment> CompiledSlices::segments(TimelineKind timeline,
                                                    std::span<const int64_t> times_us,
                                                    int64_t cutoff_us) const {
  const Rules& rules = rules_[static_cast<int>(timeline)];
  const auto first_from = [&](int64_t time_us) -> int64_t {
    return std::lower_bound(times_us.begin(), times_us.end(), time_us) - times_us.begin();
  };
  const int64_t end = first_from(cutoff_us);
  std::vector<WindowSegment> segments;
  const auto add = [&](int64_t begin, int64_t until, const SliceMask& allowed) {
    if (begin < until && allowed.any()) segments.push_back({begin, until, allowed});
  };
  int64_t begin = 0;
  for (size_t k = rules.windows_us.size(); k > 0; --k) {
    // Saturates: a window that reaches back before all time is full.
    int64_t start_us = 0;
    if (__builtin_sub_overflow(cutoff_us, rules.windows_us[k - 1], &start_us)) {
      start_us = std::numeric_limits<int64_t>::min();
    }
    const int64_t start = std::min(first_from(start_us), end);
    add(begin, start, rules.reach[k]);
    begin = start;
  }
  add(begin, end, rules.reach[0]);
  return segments;
}

}  // namespace onefold
