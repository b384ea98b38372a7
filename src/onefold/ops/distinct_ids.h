// SPDX-License-Identifier: Apache-2.0
// DistinctIds: the distinct rows of one table that a batch touches, each once.
//
//   add([7, 9, 7]) -> 0 1 0      add([9, 4]) -> 1 2      ids() = 7 9 4
//
// The trainer gathers ids() from the table once per step, every lookup reads from that small
// matrix, and the optimizer updates exactly those rows: no gradient of the whole table, no sorting.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace onefold {

class DistinctIds {
 public:
  // Keeps 4 bytes for each of the table's rows, to number ids without hashing.
  explicit DistinctIds(int64_t num_rows) : slot_(num_rows, kNone) {}

  // Writes positions[i], the number of ids[i] among the distinct ones, in first-seen order.
  // Returns the index of the first id outside [0, num_rows), or -1; on error, clear() before reuse.
  int64_t add(std::span<const int64_t> ids, std::span<int64_t> positions);

  // The same for one id. REQUIRES: 0 <= id < num_rows.
  int32_t number(int64_t id) {
    int32_t& slot = slot_[id];
    if (slot == kNone) {
      slot = static_cast<int32_t>(ids_.size());
      ids_.push_back(id);
    }
    return slot;
  }

  const std::vector<int64_t>& ids() const { return ids_; }
  void clear();  // O(ids().size())

 private:
  static constexpr int32_t kNone = -1;
  std::vector<int32_t> slot_;  // [num_rows] number of the id, or kNone
  std::vector<int64_t> ids_;
};

}  // namespace onefold
