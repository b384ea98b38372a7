// SPDX-License-Identifier: Apache-2.0
#include "onefold/reader/epoch_stream.h"

#include <algorithm>
#include <utility>

#include "onefold/reader/gather.h"

namespace onefold {
namespace {

std::vector<int32_t> reading_order(const EpochPlan& plan, size_t first_window) {
  std::vector<int32_t> order;
  for (size_t w = first_window; w < plan.windows.size(); ++w) {
    order.insert(order.end(), plan.windows[w].begin(), plan.windows[w].end());
  }
  return order;
}

// One window more than the one in use: the next one is there when this one ends.
int read_ahead_capacity(const EpochPlan& plan, int threads) {
  const size_t window = plan.windows.empty() ? 1 : plan.windows.front().size();
  return std::max(static_cast<int>(window), threads);
}

}  // namespace

EpochStream::EpochStream(EpochPlan plan, ReadAhead::Read read, const EpochStreamOptions& options)
    : plan_(std::move(plan)),
      options_(options),
      next_window_(options.first_window),
      batches_left_(options.max_batches),
      skip_samples_(options.skip_samples),
      row_groups_(std::move(read), reading_order(plan_, options.first_window), options.read_threads,
                  read_ahead_capacity(plan_, options.read_threads)) {}

Status EpochStream::open_window() {
  std::vector<RowGroup> row_groups;
  for (size_t i = 0; i < plan_.windows[next_window_].size(); ++i) {
    ONEFOLD_ASSIGN_OR_RETURN(RowGroup row_group, row_groups_.next());
    row_groups.push_back(std::move(row_group));
  }
  ++next_window_;
  SessionWindow& window =
      windows_.emplace_back(std::move(row_groups), options_.holdout, options_.shuffle_seed);
  const int64_t skipped = std::min(skip_samples_, window.num_left());
  window.take(skipped);
  skip_samples_ -= skipped;
  return {};
}

Result<std::vector<EpochStream::Piece>> EpochStream::take(int64_t num_samples) {
  while (!windows_.empty() && windows_.front().num_left() == 0) windows_.pop_front();
  std::vector<Piece> pieces;
  for (size_t w = 0; num_samples > 0; ++w) {
    if (w == windows_.size()) {
      if (next_window_ == plan_.windows.size()) break;
      ONEFOLD_RETURN_IF_ERROR(open_window());
    }
    const int64_t count = std::min(num_samples, windows_[w].num_left());
    if (count == 0) continue;
    pieces.push_back({&windows_[w], windows_[w].take(count)});
    num_samples -= count;
  }
  return pieces;
}

Result<std::optional<Batch>> EpochStream::next() {
  if (batches_left_-- == 0) return std::optional<Batch>();
  ONEFOLD_ASSIGN_OR_RETURN(const std::vector<Piece> pieces, take(options_.batch_size));
  std::vector<const RowGroup*> row_groups;
  std::vector<RowRange> runs;
  int64_t num_samples = 0;
  for (const Piece& piece : pieces) {
    const auto base = static_cast<int32_t>(row_groups.size());
    for (const RowGroup& row_group : piece.window->row_groups()) row_groups.push_back(&row_group);
    for (RowRange run : piece.runs) {
      run.row_group += base;
      num_samples += run.count;
      runs.push_back(run);
    }
  }
  if (num_samples == 0 || (options_.drop_last && num_samples < options_.batch_size)) {
    return std::optional<Batch>();
  }
  return std::optional<Batch>(gather(row_groups, runs, options_.fold));
}

}  // namespace onefold
