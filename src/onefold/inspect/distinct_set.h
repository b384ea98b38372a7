// SPDX-License-Identifier: Apache-2.0
// DistinctSet: a set of 64-bit hashes that can be cleared in no time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace onefold {

// Open addressing on the keys' low bits: keys must be hashes, not ids.
class DistinctSet {
 public:
  // True when `key` was not in the set.
  bool insert(uint64_t key) {
    if (2 * (size_ + 1) > slots_.size()) grow();
    Slot& slot = find(key);
    if (slot.generation == generation_) return false;
    slot = {key, generation_};
    ++size_;
    return true;
  }

  int64_t size() const { return static_cast<int64_t>(size_); }

  void clear() {
    size_ = 0;
    ++generation_;  // all slots are free now
  }

 private:
  struct Slot {
    uint64_t key = 0;
    uint64_t generation = 0;
  };

  Slot& find(uint64_t key) {
    const size_t mask = slots_.size() - 1;
    size_t i = key & mask;
    while (slots_[i].generation == generation_ && slots_[i].key != key) i = (i + 1) & mask;
    return slots_[i];
  }

  void grow() {
    std::vector<Slot> old(slots_.empty() ? 16 : 2 * slots_.size());
    old.swap(slots_);
    for (const Slot& slot : old) {
      if (slot.generation == generation_) find(slot.key) = slot;
    }
  }

  std::vector<Slot> slots_;
  size_t size_ = 0;
  uint64_t generation_ = 1;
};

}  // namespace onefold
