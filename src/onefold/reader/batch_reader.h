// SPDX-License-Identifier: Apache-2.0
// BatchReader: a table as a stream of training batches.
//
//   plan       which row groups, in which order, for this seed, epoch and rank      epoch_plan.h
//   read       fetch, decode and transform row groups, ahead, on threads            read_ahead.h
//   shuffle    whole sessions, within a window of row groups session_window.h slice      batch_size
//   samples at a time, folded across the whole batch          gather.h prefetch   a thread and a
//   bounded queue in front of the consumer                prefetcher.h
//
// Transforms run right after decoding, once per unique row of a row group: a payload row that
// several batches use is transformed once.
//
//   BatchReaderOptions options{.batch_size = 1024, .seed = 7};
//   ONEFOLD_ASSIGN_OR_RETURN(auto reader, BatchReader::open("tables/clicks", options));
//   for (;;) {
//     ONEFOLD_ASSIGN_OR_RETURN(std::optional<Batch> batch, reader->next());
//     if (!batch) break;  // end of the epoch
//     train_step(*batch);
//   }
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
  bool fold = true;  // off: groups come with U == B (`--dedup off`)
  // Hand windowed groups on as windows on payload rows: each value once. Off: their unique rows are
  // cut. No effect without `fold`.
  bool windows = false;
  // Order of row groups and of sessions; off: table order. A table in arrival order is clustered by
  // session within a window of row groups; read it without shuffle to have samples as they arrived.
  bool shuffle = true;
  uint64_t seed = 0;
  int shuffle_row_groups = 4;    // sessions are shuffled within this many row groups at a time
  bool drop_last = false;        // leave out a last batch smaller than batch_size
  int prefetch_batches = 4;      // 0: everything happens in the caller's thread
  int read_threads = 1;          // row groups read at once, ahead of the batches
  int rank = 0, world_size = 1;  // ranks read disjoint row groups
  // With several ranks, every rank gets the same number of batches, so that collective operations
  // stay in step: what exceeds the shortest rank is left out of this epoch (less than one row group
  // and one batch per rank; with shuffle on, other samples each epoch). Off: every sample is read,
  // and the number of batches differs between ranks.
  bool even_ranks = true;
  // Held-out split by session: sessions with hash(session_id) in [holdout_begin, holdout_end) of
  // [0, 1) only, or, with exclude_holdout, all others.
  double holdout_begin = 0, holdout_end = 0;
  bool exclude_holdout = true;
  // Directory of an embedding store: each sample gets its user's embedding, as if the table had
  // been built with it (joined_table.h). All published versions must be of one model. Not joined
  // when `columns` names others only. "": none.
  std::string embeddings;
  int64_t embedding_cache_bytes = int64_t{256} << 20;  // of the store's row groups, decoded
  std::vector<FeatureTransform> transforms;            // applied on unique rows only
};

// Where a reader stands: restore() continues with exactly the batch that next() would have given,
// in a reader of the same table, options and world_size.
struct ReaderState {
  int64_t epoch = 0;
  int64_t batches_done = 0;  // in this epoch
};

// Since the reader was opened.
struct ReaderStats {
  int64_t samples = 0;
  int64_t batches = 0;
  int64_t bytes_read = 0;    // as stored, including what was read ahead
  double wait_seconds = 0;   // consumer waited for the reader
  double stall_seconds = 0;  // reader waited for the consumer (prefetch queue full)
  struct Group {
    std::string name;
    int64_t samples = 0, unique = 0;
    int64_t sample_values = 0, unique_values = 0;  // over all keys, after transforms
  };
  std::vector<Group> groups;
};

// One consumer thread at a time. The reader owns its threads; destroying it in any state stops and
// joins them, waiting at most for the row groups being read.
class BatchReader {
 public:
  // As TableReader::open and EmbeddingJoin::open, and kInvalidArgument for options out of range, an
  // empty holdout that is not excluded, or fewer row groups than ranks with even_ranks; kNotFound
  // and kSchema as apply_transforms().
  static Result<std::unique_ptr<BatchReader>> open(const std::string& table,
                                                   const BatchReaderOptions& options = {});
  virtual ~BatchReader() = default;

  virtual const Schema& schema() const = 0;
  // The next batch, or nullopt at the end of the epoch; the call after that begins the next epoch
  // in another order (seed and epoch decide it). The batches are the same, bit for bit, for plain
  // and folded tables of the same rows and row groups; with fold off they are unfolded() of the
  // same batches. After an error every call returns that error, until restore().
  virtual Result<std::optional<Batch>> next() = 0;

  // The position of the consumer, whatever was prefetched.
  virtual ReaderState state() const = 0;
  // Row groups that lie wholly before the position are not decoded; with a holdout, their keys are
  // read to count samples. kInvalidArgument when the epoch has fewer batches.
  virtual Status restore(const ReaderState& state) = 0;
  virtual ReaderStats stats() const = 0;
};

}  // namespace onefold
