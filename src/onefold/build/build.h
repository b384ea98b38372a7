// SPDX-License-Identifier: Apache-2.0
// build_table: logs to table, in two passes of bounded memory. Read, sort, join; cluster, fold,
// write.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "onefold/build/build_stats.h"
#include "onefold/build/cluster.h"
#include "onefold/build/sampling.h"
#include "onefold/table/table_writer.h"

namespace onefold {

struct BuildOptions {
  ClusterOptions cluster;
  TableLayout layout = TableLayout::kFolded;
  int zstd_level = 3;
  // Groups to store as windows, beside those that the log's schema names (Schema::windowed_groups).
  std::vector<std::string> windowed_groups;
  // Directory of an embedding store: each sample gets its user's embedding, as the group
  // `user_embedding` (embedding_store/embedding_join.h). "": none.
  std::string embeddings;
  // Requests at a time in [from_us, until_us); others, and their events, are left out and counted.
  int64_t from_us = std::numeric_limits<int64_t>::min();
  int64_t until_us = std::numeric_limits<int64_t>::max();
  int64_t late_after_us = int64_t{24} * 3600 * 1000000;  // join.h, JoinStats::late
  // Sessions made of users and times, with gaps of at most this; 0: the log's session ids.
  int64_t idle_gap_us = 0;
  SamplingOptions sampling;

  // How, not what: no bit of the table depends on these.
  int64_t memory_bytes = 0;  // limit on the whole process; 0: half of machine_memory()
  int threads = 0;           // 0: one per core
  std::string spill_dir;     // "": the directory that the table is in
  int64_t spill_bytes = 0;   // requests held before they are spilled; 0: what memory_bytes allows
  // Called now and then with (done, all): bytes of log read, then requests written. One at a time,
  // but from any thread.
  std::function<void(int64_t, int64_t)> on_read, on_written;
  std::function<bool()> is_cancelled;  // asked as often, from any thread; then the build ends
};

// Builds the table `table_dir` from the log `logs_dir`. The same log and options give the same
// bytes. Memory beyond the limit: a few row groups, and footers of the table's open files.
//
// kInvalidArgument: options out of range, `table_dir` is there and no table, or a windowed group
// that is none (kSchema: that has a single id). kNotFound:
// `logs_dir` is not a log, or `embeddings` no store with a published version. kSchema: versions
// live in the time of the log are of different models. On any error an older table at `table_dir`
// is untouched.
Result<BuildStats> build_table(const std::string& logs_dir, const std::string& table_dir,
                               const BuildOptions& options = {});

}  // namespace onefold
