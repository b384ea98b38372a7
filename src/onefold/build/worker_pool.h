// SPDX-License-Identifier: Apache-2.0
// WorkerPool: the threads of one build.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "onefold/base/status.h"

namespace arrow::internal {
class Executor;
class ThreadPool;
}  // namespace arrow::internal

namespace onefold {

class WorkerPool {
 public:
  // kInvalidArgument unless 1 <= threads <= 1024.
  static Result<std::unique_ptr<WorkerPool>> make(int threads);
  ~WorkerPool();  // waits for what was spawned

  int threads() const { return threads_; }

  // Runs task(0) to task(count - 1) and waits for all. The error of the lowest index is returned;
  // an exception is thrown on. Not from within a task.
  Status run_all(int64_t count, const std::function<Status(int64_t)>& task);

  // Runs `task`, which must not throw, some time.
  void spawn(std::function<void()> task);

  // Returns when nothing is left to run.
  void wait_idle();

  // The same threads, for Parquet to encode columns in.
  arrow::internal::Executor* executor();

 private:
  WorkerPool() = default;

  int threads_ = 0;
  std::shared_ptr<arrow::internal::ThreadPool> pool_;
};

}  // namespace onefold
