// SPDX-License-Identifier: Apache-2.0
// BatchReader: a table as a stream of training batches.
//
// plan -> fetch and decode (a thread) -> session shuffle -> slice -> transform -> prefetch
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "onefold/base/status.h"
#include "onefold/jagged/batch.h"
#include "onefold/reader/transform.h"

namespace onefold {

struct BatchReaderOptions {
  std::vector<std::string> columns;  // as ReadOptions::columns
  int64_t batch_size = 1024;
  bool fold = true;               // off: groups come with U == B (`--dedup off`)
  bool shuffle = true;            // order of row groups and of sessions; off: table order
  uint64_t seed = 0;
  int shuffle_row_groups = 4;     // sessions are shuffled within this many row groups at a time
  bool drop_last = false;         // leave out a last batch smaller than batch_size
  int prefetch_batches = 4;       // 0: read in the caller's thread
  int rank = 0, world_size = 1;   // ranks read disjoint row groups
  // Held-out split by session: sessions with hash(session_id) in [holdout_begin, holdout_end) of
  // [0, 1) only, or, with exclude_holdout, all others.
  double holdout_begin = 0, holdout_end = 0;
  bool exclude_holdout = true;
  std::vector<FeatureTransform> transforms;  // applied on unique rows only
};

// Where a reader stands: restore() continues with exactly the batch that next() would have given.
struct ReaderState {
  int64_t epoch = 0;
  int64_t batches_done = 0;  // in this epoch
};

struct ReaderStats {
  int64_t samples = 0;
  int64_t batches = 0;
  int64_t bytes_read = 0;
  double wait_seconds = 0;  // consumer waited for the reader
  double stall_seconds = 0;  // reader waited for the consumer (prefetch queue full)
  struct Group {
    std::string name;
    int64_t samples = 0, unique = 0;
    int64_t sample_values = 0, unique_values = 0;
  };
  std::vector<Group> groups;
};

class BatchReader {
 public:
  static Result<std::unique_ptr<BatchReader>> open(const std::string& table,
                                                   const BatchReaderOptions& options = {});
  virtual ~BatchReader() = default;

  virtual const Schema& schema() const = 0;
  // The next batch, or nullopt at the end of the epoch; the call after that begins the next epoch
  // in another order (seed and epoch decide it). The batches are the same for plain and folded
  // tables of the same rows, and with fold on or off.
  virtual Result<std::optional<Batch>> next() = 0;
  virtual ReaderState state() const = 0;
  virtual Status restore(const ReaderState& state) = 0;
  virtual ReaderStats stats() const = 0;
};

}  // namespace onefold
