// SPDX-License-Identifier: Apache-2.0
// EpochStream: the batches of one epoch of one rank, one after another, in the caller's thread
// (row groups are read ahead on threads of their own).
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "onefold/base/status.h"
#include "onefold/reader/epoch_plan.h"
#include "onefold/reader/read_ahead.h"
#include "onefold/reader/session_window.h"

namespace onefold {

struct EpochStreamOptions {
  int64_t batch_size = 1024;
  bool fold = true;
  bool drop_last = false;
  Holdout holdout;
  std::optional<uint64_t> shuffle_seed;  // of the sessions; none: table order
  int read_threads = 1;
  // Where to begin: windows that lie wholly before are never read.
  size_t first_window = 0;
  int64_t skip_samples = 0;  // of the windows from first_window on
  int64_t max_batches = 0;   // from there on
};

class EpochStream {
 public:
  EpochStream(EpochPlan plan, ReadAhead::Read read, const EpochStreamOptions& options);

  // nullopt at the end of the epoch. REQUIRES: no call after nullopt or an error.
  Result<std::optional<Batch>> next();

 private:
  struct Piece {
    const SessionWindow* window;
    std::vector<RowRange> runs;
  };

  Status open_window();
  // Takes the next `num_samples`, fewer at the end of the epoch.
  Result<std::vector<Piece>> take(int64_t num_samples);

  const EpochPlan plan_;
  const EpochStreamOptions options_;
  size_t next_window_;
  int64_t batches_left_;
  int64_t skip_samples_;
  // More than one where a batch spans windows; pieces of a batch point into them.
  std::deque<SessionWindow> windows_;
  ReadAhead row_groups_;
};

}  // namespace onefold
