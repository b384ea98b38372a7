// SPDX-License-Identifier: Apache-2.0
#include "onefold/train/batch_source.h"

namespace onefold {

Result<std::optional<Batch>> MemorySource::next() {
  if (state_.batches_done == static_cast<int64_t>(batches_.size())) {
    state_ = {state_.epoch + 1, 0};
    return std::optional<Batch>();
  }
  return std::optional<Batch>(batches_[state_.batches_done++]);
}

Status MemorySource::restore(const ReaderState& state) {
  if (state.batches_done < 0 || state.batches_done > static_cast<int64_t>(batches_.size())) {
    return invalid_argument("the reader state lies beyond the batches");
  }
  state_ = state;
  return {};
}

}  // namespace onefold
