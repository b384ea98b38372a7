// SPDX-License-Identifier: Apache-2.0
#include "onefold/timeline/slice_stats.h"

#include <algorithm>
#include <unordered_map>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "onefold/base/hash.h"
#include "onefold/timeline/compiled_slices.h"
#include "onefold/timeline/timeline_reader.h"
#include "onefold/timeline/utc_time.h"

namespace onefold {
namespace {

struct MaskHash {
  size_t operator()(const SliceMask& mask) const {
    return hash64(mask.words.data(), sizeof(mask.words));
  }
};

// Counts events by mask; events have few distinct masks, so that pairs of slices are counted per
// distinct mask rather than per event.
class MaskCounts {
 public:
  explicit MaskCounts(int num_slices) : num_slices_(num_slices), common_(num_slices * num_slices) {}

  void add(const SliceMask& mask) {
    if (!mask.any()) return;
    ++counts_[mask];
    if (counts_.size() > kMaxMasks) settle();
  }

  // common[i * num_slices + j]: events in both slices.
  const std::vector<int64_t>& finish() {
    settle();
    return common_;
  }

 private:
  static constexpr size_t kMaxMasks = 1 << 20;

  void settle() {
    for (const auto& [mask, count] : counts_) {
      mask.for_each([&, count = count](int i) {
        mask.for_each([&](int j) { common_[i * num_slices_ + j] += count; });
      });
    }
    counts_.clear();
  }

  int num_slices_;
  std::unordered_map<SliceMask, int64_t, MaskHash> counts_;
  std::vector<int64_t> common_;
};

void count_batch(const TimelineBatch& batch, const CompiledSlices& compiled, int64_t cutoff_us,
                 MaskCounts& counts, SliceStats& stats) {
  std::vector<SliceMask> seen(batch.user_id.size());
  for (TimelineKind kind : kTimelineKinds) {
    const KeyedJaggedTensor& events = batch.events(kind);
    std::vector<SliceMask> masks(events.get<int64_t>("item").num_values());
    compiled.event_masks(kind, view_events(events), masks);
    const auto& times = events.get<int64_t>("time");
    for (int64_t row = 0; row < batch.num_users(); ++row) {
      const int64_t first = times.offsets()[row];
      for (const WindowSegment& segment : compiled.segments(kind, times.row(row), cutoff_us)) {
        for (int64_t e = first + segment.begin; e < first + segment.end; ++e) {
          const SliceMask mask = masks[e] & segment.allowed;
          counts.add(mask);
          seen[row] |= mask;
        }
      }
      const auto before = std::lower_bound(times.row(row).begin(), times.row(row).end(), cutoff_us);
      stats.num_events[static_cast<int>(kind)] += before - times.row(row).begin();
    }
  }
  for (const SliceMask& mask : seen) {
    mask.for_each([&](int slice) { ++stats.coverage[slice].num_users; });
  }
}

void find_similar(const std::vector<int64_t>& common, SliceStats& stats) {
  const int num_slices = stats.slices.size();
  const auto& slices = stats.slices.slices();
  for (int i = 0; i < num_slices; ++i) {
    SliceCoverage& coverage = stats.coverage[i];
    coverage.num_events = common[i * num_slices + i];
    for (int j = 0; j < num_slices; ++j) {
      if (i == j || slices[i].timeline != slices[j].timeline || slices[i].id != slices[j].id) {
        continue;
      }
      const int64_t both = common[i * num_slices + j];
      const int64_t either = common[i * num_slices + i] + common[j * num_slices + j] - both;
      const double overlap = either == 0 ? 0 : static_cast<double>(both) / either;
      if (overlap > coverage.overlap) {
        coverage.overlap = overlap;
        coverage.most_similar = j;
      }
    }
  }
}

double share(int64_t part, int64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

}  // namespace

Result<SliceStats> slice_stats(const std::string& timelines, const SliceSet& slices,
                               std::optional<int64_t> cutoff_us) {
  ONEFOLD_ASSIGN_OR_RETURN(
      auto reader,
      TimelineReader::open(
          timelines,
          {.columns = {EventColumn::kItem, EventColumn::kAuthor, EventColumn::kTopic,
                       EventColumn::kTime, EventColumn::kAction, EventColumn::kSurface,
                       EventColumn::kMediaType, EventColumn::kDuration, EventColumn::kWatchTime}}));
  const TimelineManifest& manifest = reader->manifest();
  const CompiledSlices compiled(slices, manifest.vocabularies);
  SliceStats stats{.slices = slices,
                   .coverage = std::vector<SliceCoverage>(slices.size()),
                   .cutoff_us = cutoff_us.value_or(manifest.newest_time_us + 1),
                   .num_users = manifest.num_users,
                   .num_events = {},
                   .unknown_names = compiled.unknown_names()};
  MaskCounts counts(slices.size());
  for (;;) {
    ONEFOLD_ASSIGN_OR_RETURN(const auto batch, reader->next());
    if (!batch) break;
    count_batch(*batch, compiled, stats.cutoff_us, counts, stats);
  }
  find_similar(counts.finish(), stats);
  return stats;
}

std::string to_text(const SliceStats& stats) {
  const SliceSet& set = stats.slices;
  size_t width = 5;
  for (const Slice& slice : set.slices()) width = std::max(width, slice.name.size());
  std::string text = fmt::format(
      "{} slices, version {}, {} table groups\n{} users; {} explicit and {} implicit events before "
      "{} UTC\n\n",
      set.size(), set.version(), set.table_groups().size(), stats.num_users, stats.num_events[0],
      stats.num_events[1], format_utc(stats.cutoff_us));
  text += fmt::format("{:<{}}  {:>7}  {:>11}  {:>11}  {:>7}  {}\n", "slice", width, "users %",
                      "events", "events/user", "overlap", "with");
  for (int i = 0; i < set.size(); ++i) {
    const SliceCoverage& coverage = stats.coverage[i];
    text += fmt::format("{:<{}}  {:>7.2f}  {:>11}  {:>11.1f}", set.slices()[i].name, width,
                        100 * share(coverage.num_users, stats.num_users), coverage.num_events,
                        share(coverage.num_events, coverage.num_users));
    if (coverage.most_similar >= 0) {
      text +=
          fmt::format("  {:>7.3f}  {}", coverage.overlap, set.slices()[coverage.most_similar].name);
    }
    text += "\n";
  }
  text +=
      "\nevents/user: mean over the users who have any. overlap: events in both slices / in "
      "either,\nwith the most similar slice of the same timeline and id.\n";
  for (const std::string& name : stats.unknown_names) text += "not in the data: " + name + "\n";
  return text;
}

nlohmann::json to_json(const SliceStats& stats) {
  nlohmann::json slices = nlohmann::json::array();
  for (int i = 0; i < stats.slices.size(); ++i) {
    const Slice& slice = stats.slices.slices()[i];
    const SliceCoverage& coverage = stats.coverage[i];
    nlohmann::json similar;  // null
    if (coverage.most_similar >= 0) {
      similar = {{"slice", stats.slices.slices()[coverage.most_similar].name},
                 {"overlap", coverage.overlap}};
    }
    slices.push_back({{"name", slice.name},
                      {"timeline", to_string(slice.timeline)},
                      {"id", to_string(slice.id)},
                      {"table_group", slice.table_group},
                      {"users", coverage.num_users},
                      {"coverage", share(coverage.num_users, stats.num_users)},
                      {"events", coverage.num_events},
                      {"mean_events", share(coverage.num_events, coverage.num_users)},
                      {"most_similar", similar}});
  }
  return {{"version", stats.slices.version()},
          {"cutoff_us", stats.cutoff_us},
          {"users", stats.num_users},
          {"events", {{"explicit", stats.num_events[0]}, {"implicit", stats.num_events[1]}}},
          {"slices", slices},
          {"unknown_names", stats.unknown_names}};
}

}  // namespace onefold
