// SPDX-License-Identifier: Apache-2.0
// How many samples each row group gives, and where in an epoch a batch begins.
#pragma once

#include <cstdint>
#include <vector>

#include "onefold/base/status.h"
#include "onefold/reader/epoch_plan.h"
#include "onefold/reader/holdout.h"

namespace onefold {

// Counts the samples of row groups that a holdout keeps. The manifest knows the number of rows;
// with a holdout the keys of a row group are read, once.
class SampleCounter {
 public:
  // `table` may be a projection: only session ids are used. It must outlive the counter.
  SampleCounter(TableReader* table, const Holdout& holdout)
      : table_(table), holdout_(holdout), counts_(table->row_groups().size(), -1) {}

  Result<int64_t> count(int32_t row_group);
  Result<int64_t> count(const std::vector<int32_t>& window);
  Result<int64_t> count(const EpochPlan& plan);

 private:
  TableReader* table_;
  Holdout holdout_;
  std::vector<int64_t> counts_;  // -1: not yet known
};

struct EpochPosition {
  size_t window = 0;    // index into EpochPlan::windows; their number at the end of the epoch
  int64_t samples = 0;  // of that window, before the position
};

// Where the batch after `batches_done` batches begins. Counts no window after that.
// kInvalidArgument when the epoch has fewer batches.
Result<EpochPosition> find_position(const EpochPlan& plan, SampleCounter& counter,
                                    int64_t batches_done, int64_t batch_size, bool drop_last);

int64_t count_batches(int64_t num_samples, int64_t batch_size, bool drop_last);

}  // namespace onefold
