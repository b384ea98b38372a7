// SPDX-License-Identifier: Apache-2.0
// RowGroupPipeline: makes Batches of row groups in all threads and hands them out in order.
//
// One task at a time takes row groups from the source; each is gathered and folded in a task of its
// own. What is in the pipeline is bounded in number and in bytes.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>

#include "onefold/build/sample_rows.h"
#include "onefold/build/worker_pool.h"
#include "onefold/jagged/batch.h"

namespace onefold {

struct BuiltRowGroup {
  int64_t period = 0;
  int64_t num_requests = 0;
  Batch batch;
};

class RowGroupPipeline {
 public:
  using Source = std::function<Result<std::optional<SampleRows>>()>;  // called by one at a time
  using Build = std::function<Result<Batch>(const SampleRows&)>;      // called by several

  // At most about `max_bytes` of requests at a time, but always one row group.
  RowGroupPipeline(WorkerPool& pool, Source source, Build build, int64_t max_bytes);
  ~RowGroupPipeline();  // waits for the tasks at work

  // The next row group; nothing after the last. After an error: the error.
  Result<std::optional<BuiltRowGroup>> next();

 private:
  struct Slot {
    BuiltRowGroup built;
    int64_t bytes = 0;
    bool ready = false;
  };

  void take_some();                                    // task: the source
  void build_one(Slot& slot, const SampleRows& rows);  // task
  void end_task();
  void fail(Status status, std::exception_ptr exception);  // the first one stays
  void wake_source();                                      // REQUIRES: mutex_ held
  bool has_room() const;                                   // likewise

  WorkerPool& pool_;
  Source source_;
  Build build_;
  int64_t max_bytes_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::unique_ptr<Slot>> slots_;  // in order
  int64_t bytes_ = 0;                        // of all slots
  int tasks_ = 0;
  bool taking_ = false;
  bool source_done_ = false;
  Status status_;
  std::exception_ptr exception_;
};

}  // namespace onefold
