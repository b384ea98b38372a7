// SPDX-License-Identifier: Apache-2.0
#include "onefold/build/worker_pool.h"

#include <condition_variable>
#include <exception>
#include <mutex>
#include <vector>

#include <arrow/util/thread_pool.h>
#include <fmt/format.h>

#include "onefold/log/arrow_status.h"

namespace onefold {

Result<std::unique_ptr<WorkerPool>> WorkerPool::make(int threads) {
  if (threads < 1 || threads > 1024) {
    return invalid_argument(fmt::format("{} threads: expected 1 to 1024", threads));
  }
  std::unique_ptr<WorkerPool> pool(new WorkerPool());
  ONEFOLD_ASSIGN_OR_RETURN_ARROW(pool->pool_, arrow::internal::ThreadPool::Make(threads),
                                 "threads");
  pool->threads_ = threads;
  return pool;
}

WorkerPool::~WorkerPool() { (void)pool_->Shutdown(/*wait=*/true); }

Status WorkerPool::run_all(int64_t count, const std::function<Status(int64_t)>& task) {
  std::mutex mutex;
  std::condition_variable done;
  int64_t left = count;
  std::vector<Status> statuses(count);
  std::exception_ptr thrown;
  for (int64_t i = 0; i < count; ++i) {
    spawn([&, i] {
      Status status;
      std::exception_ptr exception;
      try {
        status = task(i);
      } catch (...) {
        exception = std::current_exception();
      }
      const std::lock_guard lock(mutex);
      statuses[i] = std::move(status);
      if (exception) thrown = exception;
      if (--left == 0) done.notify_all();
    });
  }
  std::unique_lock lock(mutex);
  done.wait(lock, [&] { return left == 0; });
  if (thrown) std::rethrow_exception(thrown);
  for (const Status& status : statuses) ONEFOLD_RETURN_IF_ERROR(status);
  return {};
}

void WorkerPool::spawn(std::function<void()> task) {
  const arrow::Status status = pool_->Spawn(std::move(task));
  ONEFOLD_CHECK(status.ok(), "a worker pool that ended was given work: " + status.message());
}

void WorkerPool::wait_idle() { pool_->WaitForIdle(); }

arrow::internal::Executor* WorkerPool::executor() { return pool_.get(); }

}  // namespace onefold
