// SPDX-License-Identifier: Apache-2.0
#include "onefold/timeline/timeline_merge.h"

#include <algorithm>
#include <vector>

namespace onefold {
namespace {

EventKey key_at(const EventColumns& events, int64_t index) {
  return {events.at(EventColumn::kTime)[index], events.at(EventColumn::kEventId)[index]};
}

// Consecutive events of one run, newest pieces first.
using Pieces = std::vector<EventRun>;

// Walks back from the newest event of all runs, taking `max_events`. Runs of different days hardly
// interleave, so whole stretches are taken at a time.
Pieces newest_pieces(std::span<const EventRun> runs, int64_t max_events) {
  std::vector<EventRun> left(runs.begin(), runs.end());
  Pieces pieces;
  int64_t wanted = max_events;
  while (wanted > 0) {
    std::erase_if(left, [](const EventRun& run) { return run.begin == run.end; });
    if (left.empty()) break;
    // The run with the newest last event gives all its events newer than every other run's last.
    std::sort(left.begin(), left.end(), [](const EventRun& a, const EventRun& b) {
      return key_at(*a.events, a.end - 1) < key_at(*b.events, b.end - 1);
    });
    EventRun& newest = left.back();
    int64_t begin = newest.begin;
    if (left.size() > 1) {
      const EventRun& second = left[left.size() - 2];
      const EventKey bound = key_at(*second.events, second.end - 1);
      begin = newest.end - 1;
      while (begin > newest.begin && bound < key_at(*newest.events, begin - 1)) --begin;
    }
    begin = std::max(begin, newest.end - wanted);
    pieces.push_back({newest.events, begin, newest.end});
    wanted -= newest.end - begin;
    newest.end = begin;
  }
  return pieces;
}

}  // namespace

int64_t merge_runs(std::span<const EventRun> runs, int64_t max_events, ColumnSet columns,
                   EventColumns& out) {
  if (runs.size() == 1) {
    const EventRun& run = runs[0];
    const int64_t begin = std::max(run.begin, run.end - max_events);
    out.append(*run.events, begin, run.end, columns);
    return run.end - begin;
  }
  const int64_t before = out.num_events;
  const Pieces pieces = newest_pieces(runs, max_events);
  for (auto piece = pieces.rbegin(); piece != pieces.rend(); ++piece) {
    out.append(*piece->events, piece->begin, piece->end, columns);
  }
  return out.num_events - before;
}

}  // namespace onefold
