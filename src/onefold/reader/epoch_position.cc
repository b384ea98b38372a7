// SPDX-License-Identifier: Apache-2.0
#include "onefold/reader/epoch_position.h"

#include <utility>

namespace onefold {

Result<int64_t> SampleCounter::count(int32_t row_group) {
  const RowGroupRef& ref = table_->row_groups()[row_group];
  if (holdout_.keeps_everything()) return ref.num_rows;
  int64_t& known = counts_[row_group];
  if (known < 0) {
    ONEFOLD_ASSIGN_OR_RETURN(const Batch keys, table_->read(ref));
    known = 0;
    for (int64_t session_id : keys.session_id) known += holdout_.keeps(session_id);
  }
  return known;
}

Result<int64_t> SampleCounter::count(const std::vector<int32_t>& window) {
  int64_t total = 0;
  for (int32_t row_group : window) {
    ONEFOLD_ASSIGN_OR_RETURN(const int64_t samples, count(row_group));
    total += samples;
  }
  return total;
}

Result<int64_t> SampleCounter::count(const EpochPlan& plan) {
  int64_t total = 0;
  for (const auto& window : plan.windows) {
    ONEFOLD_ASSIGN_OR_RETURN(const int64_t samples, count(window));
    total += samples;
  }
  return total;
}

int64_t count_batches(int64_t num_samples, int64_t batch_size, bool drop_last) {
  return (num_samples + (drop_last ? 0 : batch_size - 1)) / batch_size;
}

Result<EpochPosition> find_position(const EpochPlan& plan, SampleCounter& counter,
                                    int64_t batches_done, int64_t batch_size, bool drop_last) {
  EpochPosition position;
  if (batches_done == 0) return position;
  int64_t samples_before = 0;  // the windows before position.window
  for (; position.window < plan.windows.size(); ++position.window) {
    ONEFOLD_ASSIGN_OR_RETURN(const int64_t samples, counter.count(plan.windows[position.window]));
    if (batches_done <= (samples_before + samples) / batch_size) {
      // The position is here, or exactly at the end of this window; taking all of it is right too.
      position.samples = batches_done * batch_size - samples_before;
      return position;
    }
    samples_before += samples;
  }
  const int64_t num_batches = count_batches(samples_before, batch_size, drop_last);
  if (batches_done <= num_batches) return position;
  return invalid_argument("cannot go on after batch " + std::to_string(batches_done) +
                          ": the epoch has " + std::to_string(num_batches) +
                          " batches; was the state saved with another table, batch size, holdout "
                          "or number of ranks?");
}

}  // namespace onefold
