// SPDX-License-Identifier: Apache-2.0
// ReadAhead: reads row groups on threads, ahead of the consumer, and hands them over in order.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <future>
#include <mutex>
#include <thread>
#include <vector>

#include "onefold/base/status.h"
#include "onefold/reader/row_group.h"

namespace onefold {

// One consumer. At most `capacity` row groups are being read or wait for the consumer.
class ReadAhead {
 public:
  // Reads one row group, by its index in TableReader::row_groups(). Called from several threads.
  using Read = std::function<Result<RowGroup>(int32_t row_group)>;

  // `order` is read from its front. threads == 0: next() reads in the caller's thread.
  ReadAhead(Read read, std::vector<int32_t> order, int threads, int capacity);
  ~ReadAhead();  // waits for the row groups being read, drops the rest

  ReadAhead(const ReadAhead&) = delete;
  ReadAhead& operator=(const ReadAhead&) = delete;

  // The next row group of the order; what its read threw is thrown here.
  // REQUIRES: fewer calls so far than row groups.
  Result<RowGroup> next();

 private:
  void work();

  const Read read_;
  const std::vector<int32_t> order_;
  const size_t capacity_;
  std::vector<std::promise<Result<RowGroup>>> promises_;  // [order_.size()]

  std::mutex mutex_;
  std::condition_variable may_claim_;
  size_t num_claimed_ = 0;   // guarded by mutex_
  size_t num_consumed_ = 0;  // guarded by mutex_
  bool stopping_ = false;    // guarded by mutex_
  std::vector<std::thread> threads_;
};

}  // namespace onefold
