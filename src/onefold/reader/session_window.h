// SPDX-License-Identifier: Apache-2.0
// SessionWindow: a few row groups whose sessions are handed out in random order.
//
//   row groups   [s1 s1 s1 s2]  [s2 s3 s3]          samples by session
//   runs         s3: (1, 1, 2)   s1: (0, 0, 3)   s2: (0, 3, 1) (1, 0, 1)
//
// Samples of a session stay together and in table order, across row groups of the window too.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "onefold/reader/holdout.h"
#include "onefold/reader/row_group.h"

namespace onefold {

// `count` neighbouring rows of one row group: samples, or unique rows of a group.
struct RowRange {
  int32_t row_group = 0;  // index into the row groups at hand
  int32_t begin = 0;
  int32_t count = 0;

  bool operator==(const RowRange&) const = default;
};

class SessionWindow {
 public:
  // Sessions that `holdout` does not keep are left out. Without `shuffle_seed` the order is that of
  // the row groups.
  SessionWindow(std::vector<RowGroup> row_groups, const Holdout& holdout,
                std::optional<uint64_t> shuffle_seed);

  std::span<const RowGroup> row_groups() const { return row_groups_; }
  int64_t num_left() const { return num_left_; }  // samples not yet taken

  // Takes the next `num_samples`, or all that are left; a session may be cut.
  std::vector<RowRange> take(int64_t num_samples);

 private:
  std::vector<RowGroup> row_groups_;
  std::vector<RowRange> runs_;
  size_t next_run_ = 0;
  int64_t num_left_ = 0;
};

}  // namespace onefold
