// SPDX-License-Identifier: Apache-2.0
// LruCache: shared values by key within a budget; the least recently used go first. Not thread
// safe.
#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <utility>

namespace onefold {

template <typename Key, typename Value>
class LruCache {
 public:
  // `budget` in whatever unit put() states costs in. One value is always kept, whatever it costs.
  explicit LruCache(int64_t budget) : budget_(budget) {}

  std::shared_ptr<Value> get(const Key& key) {
    const auto found = entries_.find(key);
    if (found == entries_.end()) return nullptr;
    order_.splice(order_.begin(), order_, found->second.position);
    return found->second.value;
  }

  // REQUIRES: get(key) is null.
  void put(const Key& key, std::shared_ptr<Value> value, int64_t cost) {
    order_.push_front(key);
    entries_.emplace(key, Entry{std::move(value), cost, order_.begin()});
    used_ += cost;
    while (used_ > budget_ && entries_.size() > 1) {
      const auto oldest = entries_.find(order_.back());
      used_ -= oldest->second.cost;
      entries_.erase(oldest);
      order_.pop_back();
    }
  }

  int64_t used() const { return used_; }

 private:
  struct Entry {
    std::shared_ptr<Value> value;
    int64_t cost;
    typename std::list<Key>::iterator position;
  };
  int64_t budget_;
  int64_t used_ = 0;
  std::list<Key> order_;  // most recently used first
  std::map<Key, Entry> entries_;
};

}  // namespace onefold
