// SPDX-License-Identifier: Apache-2.0
#include "onefold/reader/session_window.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "onefold/base/hash.h"

namespace onefold {
namespace {

struct SessionRun {
  uint64_t order;  // the session's place in the window
  int64_t session_id;
  RowRange run;
};

std::vector<SessionRun> session_runs(std::span<const RowGroup> row_groups, const Holdout& holdout,
                                     std::optional<uint64_t> shuffle_seed) {
  std::vector<SessionRun> runs;
  for (size_t r = 0; r < row_groups.size(); ++r) {
    const std::vector<int64_t>& sessions = row_groups[r].batch.session_id;
    for (size_t begin = 0; begin < sessions.size();) {
      size_t end = begin + 1;
      while (end < sessions.size() && sessions[end] == sessions[begin]) ++end;
      if (holdout.keeps_everything() || holdout.keeps(sessions[begin])) {
        const uint64_t order = shuffle_seed ? hash64(sessions[begin], *shuffle_seed) : 0;
        runs.push_back({order,
                        sessions[begin],
                        {static_cast<int32_t>(r), static_cast<int32_t>(begin),
                         static_cast<int32_t>(end - begin)}});
      }
      begin = end;
    }
  }
  return runs;
}

}  // namespace

SessionWindow::SessionWindow(std::vector<RowGroup> row_groups, const Holdout& holdout,
                             std::optional<uint64_t> shuffle_seed)
    : row_groups_(std::move(row_groups)) {
  std::vector<SessionRun> runs = session_runs(row_groups_, holdout, shuffle_seed);
  if (shuffle_seed) {
    // Sessions in the order of their hashes are in random order; stable, so that the pieces of one
    // session stay in table order.
    std::stable_sort(runs.begin(), runs.end(), [](const SessionRun& a, const SessionRun& b) {
      return std::tie(a.order, a.session_id) < std::tie(b.order, b.session_id);
    });
  }
  for (const SessionRun& session : runs) {
    num_left_ += session.run.count;
    // Neighbours in the same row group become one run: copies are made run by run.
    if (!runs_.empty() && runs_.back().row_group == session.run.row_group &&
        runs_.back().begin + runs_.back().count == session.run.begin) {
      runs_.back().count += session.run.count;
    } else {
      runs_.push_back(session.run);
    }
  }
}

std::vector<RowRange> SessionWindow::take(int64_t num_samples) {
  std::vector<RowRange> taken;
  while (num_samples > 0 && next_run_ < runs_.size()) {
    RowRange& run = runs_[next_run_];
    const auto count = static_cast<int32_t>(std::min<int64_t>(num_samples, run.count));
    taken.push_back({run.row_group, run.begin, count});
    run.begin += count;
    run.count -= count;
    num_samples -= count;
    num_left_ -= count;
    if (run.count == 0) ++next_run_;
  }
  return taken;
}

}  // namespace onefold
