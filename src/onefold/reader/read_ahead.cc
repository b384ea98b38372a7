// SPDX-License-Identifier: Apache-2.0
#include "onefold/reader/read_ahead.h"

#include <algorithm>
#include <exception>
#include <utility>

namespace onefold {

ReadAhead::ReadAhead(Read read, std::vector<int32_t> order, int threads, int capacity)
    : read_(std::move(read)),
      order_(std::move(order)),
      capacity_(std::max(capacity, 1)),
      promises_(threads > 0 ? order_.size() : 0) {
  for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { work(); });
}

ReadAhead::~ReadAhead() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  may_claim_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

Result<RowGroup> ReadAhead::next() {
  ONEFOLD_CHECK(num_consumed_ < order_.size(), "no row group is left");
  if (threads_.empty()) return read_(order_[num_consumed_++]);
  // The place is given up only once the row group is here: what the consumer holds is not counted.
  Result<RowGroup> row_group = promises_[num_consumed_].get_future().get();
  {
    std::lock_guard lock(mutex_);
    ++num_consumed_;
  }
  may_claim_.notify_one();
  return row_group;
}

void ReadAhead::work() {
  for (;;) {
    size_t claimed;
    {
      std::unique_lock lock(mutex_);
      may_claim_.wait(lock, [&] {
        return stopping_ || num_claimed_ == order_.size() ||
               num_claimed_ < num_consumed_ + capacity_;
      });
      if (stopping_ || num_claimed_ == order_.size()) return;
      claimed = num_claimed_++;
    }
    try {
      promises_[claimed].set_value(read_(order_[claimed]));
    } catch (...) {
      promises_[claimed].set_exception(std::current_exception());
    }
  }
}

}  // namespace onefold
