// SPDX-License-Identifier: Apache-2.0
// EpochPlan: which row groups one rank reads in one epoch, in which order.
//
// Row groups are shuffled (seed and epoch decide), dealt to the ranks, and cut into windows of
// `row_groups_per_window`; sessions are later shuffled within a window.
//
//   6 row groups, 2 ranks, windows of 2, shuffled 4 0 5 2 1 3
//   rank 0:  {4, 5} {1}        inside a window row groups keep table order, so that the pieces of
//   rank 1:  {0, 2} {3}        a session cut by a row group border meet in the right order
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "onefold/table/table_reader.h"

namespace onefold {

struct EpochPlanOptions {
  bool shuffle = true;
  uint64_t seed = 0;
  int64_t epoch = 0;
  int world_size = 1;
  int row_groups_per_window = 4;  // without shuffle windows hold one row group
};

struct EpochPlan {
  std::vector<std::vector<int32_t>> windows;  // indices into TableReader::row_groups()
};

// One plan per rank, [world_size]. Every row group is in exactly one of them; a row group goes to
// the rank with the fewest rows so far, so ranks differ by less than the largest row group.
std::vector<EpochPlan> plan_epoch(std::span<const RowGroupRef> row_groups,
                                  const EpochPlanOptions& options);

// Where all order in an epoch comes from: a hash, so that it is the same on every platform and
// differs for every seed and epoch.
uint64_t order_seed(uint64_t seed, int64_t epoch);

}  // namespace onefold
