// SPDX-License-Identifier: Apache-2.0
// ExternalSorter: sorts any number of small records in bounded memory. What does not fit is spilled
// as sorted runs, which are merged while reading.
//
//   ExternalSorter<Key> keys(spill, 64 << 20);
//   keys.add(some); keys.add(more);                 // from any thread
//   keys.sort();
//   for (; keys.has_value(); keys.advance()) use(keys.value());    // with the Statuses looked at
#pragma once

#include <algorithm>
#include <cstdint>
#include <mutex>
#include <span>
#include <type_traits>
#include <vector>

#include "onefold/base/spill_file.h"

namespace onefold {

// T: trivially copyable, with operator<. Records that compare equal come in no particular order.
template <typename T>
class ExternalSorter {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  // Borrows `spill`. A growing buffer exists twice while it is copied: hence 2/3.
  ExternalSorter(SpillFile& spill, int64_t memory_bytes)
      : spill_(spill),
        capacity_(std::max<size_t>(64, memory_bytes * 2 / 3 / static_cast<int64_t>(sizeof(T)))) {}

  Status add(std::span<const T> values) {
    const std::lock_guard lock(adding_);
    for (const T& value : values) {
      values_.push_back(value);
      if (values_.size() >= capacity_) ONEFOLD_RETURN_IF_ERROR(spill_run());
    }
    return {};
  }

  // After the last add(): the first record is value().
  Status sort() {
    if (runs_.empty()) {
      std::sort(values_.begin(), values_.end());
      at_ = 0;
      return {};
    }
    if (!values_.empty()) ONEFOLD_RETURN_IF_ERROR(spill_run());
    std::vector<T>().swap(values_);
    const size_t each = std::max<size_t>(64, capacity_ / runs_.size());
    for (Run& run : runs_) {
      run.buffer_capacity = each;
      ONEFOLD_RETURN_IF_ERROR(fill(run));
      heap_.push_back(&run);
    }
    std::make_heap(heap_.begin(), heap_.end(), later);
    return {};
  }

  bool has_value() const { return runs_.empty() ? at_ < values_.size() : !heap_.empty(); }
  const T& value() const {
    return runs_.empty() ? values_[at_] : heap_.front()->buffer[heap_.front()->at];
  }
  Status advance() {
    if (runs_.empty()) return ++at_, Status();
    std::pop_heap(heap_.begin(), heap_.end(), later);
    Run& run = *heap_.back();
    if (++run.at == run.buffer.size()) ONEFOLD_RETURN_IF_ERROR(fill(run));
    if (run.buffer.empty()) {
      heap_.pop_back();
    } else {
      std::push_heap(heap_.begin(), heap_.end(), later);
    }
    return {};
  }

 private:
  struct Run {
    int64_t offset = 0;  // of the next record in the spill file
    int64_t left = 0;    // records not yet read
    size_t buffer_capacity = 0;
    std::vector<T> buffer;
    size_t at = 0;
  };

  static bool later(const Run* a, const Run* b) { return b->buffer[b->at] < a->buffer[a->at]; }

  Status spill_run() {
    std::sort(values_.begin(), values_.end());
    const auto bytes = static_cast<int64_t>(values_.size() * sizeof(T));
    ONEFOLD_ASSIGN_OR_RETURN(const int64_t offset, spill_.append(values_.data(), bytes));
    runs_.push_back({.offset = offset, .left = static_cast<int64_t>(values_.size())});
    values_.clear();
    return {};
  }

  // The next records of `run`; none at its end.
  Status fill(Run& run) {
    run.buffer.resize(std::min(static_cast<int64_t>(run.buffer_capacity), run.left));
    run.at = 0;
    const auto bytes = static_cast<int64_t>(run.buffer.size() * sizeof(T));
    ONEFOLD_RETURN_IF_ERROR(spill_.read(run.offset, run.buffer.data(), bytes));
    run.offset += bytes;
    run.left -= static_cast<int64_t>(run.buffer.size());
    return {};
  }

  SpillFile& spill_;
  size_t capacity_;
  std::mutex adding_;
  std::vector<T> values_;  // not spilled
  size_t at_ = 0;          // in values_, if nothing was spilled
  std::vector<Run> runs_;
  std::vector<Run*> heap_;
};

}  // namespace onefold
