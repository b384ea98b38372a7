// SPDX-License-Identifier: Apache-2.0
// Prefetcher: a producer on a thread of its own, behind a bounded queue.
#pragma once

#include <condition_variable>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "onefold/base/status.h"
#include "onefold/reader/stopwatch.h"

namespace onefold {

// One consumer. The producer runs until it returns nullopt or an error, throws, or the Prefetcher
// is destroyed, which waits for the call in progress.
template <typename T>
class Prefetcher {
 public:
  using Produce = std::function<Result<std::optional<T>>()>;

  // REQUIRES: capacity > 0.
  Prefetcher(Produce produce, int capacity)
      : produce_(std::move(produce)), capacity_(capacity), thread_([this] { work(); }) {}

  ~Prefetcher() {
    {
      std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    changed_.notify_all();
    thread_.join();
  }

  Prefetcher(const Prefetcher&) = delete;
  Prefetcher& operator=(const Prefetcher&) = delete;

  // What the producer returned next; rethrows what it threw.
  // REQUIRES: no call after nullopt, an error or an exception.
  Result<std::optional<T>> next() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return !queue_.empty(); });
    Item item = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    changed_.notify_all();
    if (item.exception) std::rethrow_exception(item.exception);
    return std::move(*item.result);
  }

  // How long the producer waited for room in the queue.
  double stall_seconds() const {
    std::lock_guard lock(mutex_);
    return stall_seconds_;
  }

 private:
  struct Item {
    std::optional<Result<std::optional<T>>> result;
    std::exception_ptr exception;

    bool is_last() const { return exception || !result->ok() || !result->value().has_value(); }
  };

  Item produce_item() {
    try {
      return {produce_(), nullptr};
    } catch (...) {
      return {std::nullopt, std::current_exception()};
    }
  }

  void work() {
    for (bool last = false; !last;) {
      Item item = produce_item();
      last = item.is_last();
      std::unique_lock lock(mutex_);
      const Stopwatch stalled;
      changed_.wait(lock, [&] { return stopping_ || queue_.size() < capacity_; });
      stall_seconds_ += stalled.seconds();
      if (stopping_) return;
      queue_.push_back(std::move(item));
      lock.unlock();
      changed_.notify_all();
    }
  }

  const Produce produce_;
  const size_t capacity_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Item> queue_;    // guarded by mutex_
  bool stopping_ = false;     // guarded by mutex_
  double stall_seconds_ = 0;  // guarded by mutex_
  std::thread thread_;        // last: the members above exist before it runs
};

}  // namespace onefold
