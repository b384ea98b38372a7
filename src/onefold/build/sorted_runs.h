// SPDX-License-Identifier: Apache-2.0
// SortedRuns: the requests of a log, sorted by RequestKey in bounded memory.
//
// Each thread collects blocks of records until the memory for all of them is used up; then it sorts
// the requests it has and spills them as a run. RequestStream (request_stream.h) merges the runs.
// Nothing is spilled while everything fits.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "onefold/base/spill_file.h"
#include "onefold/build/request_key.h"
#include "onefold/build/worker_pool.h"
#include "onefold/log/block_codec.h"

namespace onefold {

using RecordsPtr = std::shared_ptr<const FeatureRecords>;

// Bytes of all values of `records` in memory.
int64_t value_bytes(const FeatureRecords& records);

// A request of a block that is wanted.
struct KeyedRow {
  RequestKey key;
  int32_t row = 0;
};

// A block as it was spilled.
struct SpilledBlock {
  int64_t offset = 0, bytes = 0, keys_offset = 0;
  int64_t num_requests = 0;
};

// Sorted requests in memory or in the spill file: one of the two is empty.
struct SortedRun {
  struct Row {
    RequestKey key;
    int32_t block = 0, row = 0;
  };
  std::vector<RecordsPtr> blocks;
  std::vector<Row> rows;  // ascending
  std::vector<SpilledBlock> spilled;
};

struct LoadedBlock {
  RecordsPtr records;
  std::vector<RequestKey> keys;  // [num_requests] ascending
};

class SortedRuns {
 public:
  // Holds up to about `memory_bytes` of requests; spills blocks of about `block_bytes`. Borrows
  // `spill`.
  SortedRuns(const Schema& schema, SpillFile& spill, int64_t memory_bytes, int64_t block_bytes)
      : schema_(schema),
        codec_(schema),
        spill_(spill),
        memory_bytes_(memory_bytes),
        block_bytes_(block_bytes) {}

  // One thread's share.
  class Collector {
   public:
    // For one of `threads` collectors. Borrows `runs`.
    Collector(SortedRuns& runs, int threads) : runs_(runs), threads_(threads) {}
    // Takes a block, of which only `rows` are wanted.
    Status add(FeatureRecords&& records, const std::vector<KeyedRow>& rows);
    // After the last add().
    void finish();

   private:
    SortedRuns& runs_;
    int threads_;
    SortedRun run_;  // not sorted yet
    int64_t bytes_ = 0;
  };

  // After all collectors have finished: when one has spilled, the others do it too, so that
  // merging has the memory.
  Status settle(WorkerPool& pool);

  const std::vector<SortedRun>& runs() const { return runs_; }
  int64_t num_spilled() const;
  Result<LoadedBlock> load(const SpilledBlock& block) const;

 private:
  Status spill(SortedRun& run) const;  // sorts it, too
  Status spill_block(FeatureRecords&& records, std::vector<RequestKey>& keys, SortedRun& run) const;

  Schema schema_;
  FeatureCodec codec_;
  SpillFile& spill_;
  int64_t memory_bytes_, block_bytes_;
  std::atomic<int64_t> used_ = 0;  // by all collectors
  std::mutex adding_;
  std::vector<SortedRun> runs_;
};

}  // namespace onefold
