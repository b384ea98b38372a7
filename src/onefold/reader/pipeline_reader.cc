// SPDX-License-Identifier: Apache-2.0
#include "onefold/reader/pipeline_reader.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "onefold/jagged/fold_counts.h"

namespace onefold {
namespace {

Status check_options(const BatchReaderOptions& options) {
  auto refuse = [](const char* name, auto value, const char* expected) {
    return invalid_argument(std::string(name) + " is " + std::to_string(value) + ", expected " +
                            expected);
  };
  if (options.batch_size < 1) return refuse("batch_size", options.batch_size, "at least 1");
  if (options.shuffle_row_groups < 1) {
    return refuse("shuffle_row_groups", options.shuffle_row_groups, "at least 1");
  }
  if (options.prefetch_batches < 0) {
    return refuse("prefetch_batches", options.prefetch_batches, "0 or more");
  }
  if (options.read_threads < 1) return refuse("read_threads", options.read_threads, "at least 1");
  if (options.world_size < 1) return refuse("world_size", options.world_size, "at least 1");
  if (options.rank < 0 || options.rank >= options.world_size) {
    return refuse("rank", options.rank, "0 or more and less than world_size");
  }
  const double begin = options.holdout_begin, end = options.holdout_end;
  if (!(begin >= 0 && begin <= end && end <= 1)) {
    return invalid_argument("the holdout is [" + std::to_string(begin) + ", " +
                            std::to_string(end) + "), expected a part of [0, 1)");
  }
  if (begin == end && !options.exclude_holdout) {
    return invalid_argument("only the held-out sessions are asked for, but the holdout is empty");
  }
  return {};
}

ReaderStats::Group count_group(const FeatureGroup& group) {
  const FoldCounts counts = count_fold(group.features);
  return {group.name, group.features.num_samples(), group.features.num_unique(),
          counts.sample_values, counts.stored_values};
}

}  // namespace

Result<std::unique_ptr<BatchReader>> PipelineReader::make(std::unique_ptr<TableReader> table,
                                                          std::unique_ptr<TableReader> keys,
                                                          const BatchReaderOptions& options) {
  ONEFOLD_RETURN_IF_ERROR(check_options(options));
  ONEFOLD_RETURN_IF_ERROR(check_transforms(options.transforms, table->schema()));
  const auto num_row_groups = static_cast<int64_t>(table->row_groups().size());
  if (options.even_ranks && options.world_size > 1 && num_row_groups < options.world_size) {
    return invalid_argument("the table has " + std::to_string(num_row_groups) +
                            " row groups, too few for " + std::to_string(options.world_size) +
                            " ranks; build it with smaller row groups");
  }
  return std::unique_ptr<BatchReader>(
      new PipelineReader(std::move(table), std::move(keys), options));
}

PipelineReader::PipelineReader(std::unique_ptr<TableReader> table,
                               std::unique_ptr<TableReader> keys, const BatchReaderOptions& options)
    : options_(options),
      holdout_{options.holdout_begin, options.holdout_end, options.exclude_holdout},
      table_(std::move(table)),
      keys_(std::move(keys)),
      counter_(keys_ ? keys_.get() : table_.get(), holdout_) {}

std::vector<EpochPlan> PipelineReader::plans(int64_t epoch) const {
  return plan_epoch(table_->row_groups(), {.shuffle = options_.shuffle,
                                           .seed = options_.seed,
                                           .epoch = epoch,
                                           .world_size = options_.world_size,
                                           .row_groups_per_window = options_.shuffle_row_groups});
}

Result<int64_t> PipelineReader::max_batches(const std::vector<EpochPlan>& plans) {
  int64_t fewest = std::numeric_limits<int64_t>::max();
  if (options_.world_size == 1 || !options_.even_ranks) return fewest;
  for (const EpochPlan& plan : plans) {
    ONEFOLD_ASSIGN_OR_RETURN(const int64_t samples, counter_.count(plan));
    fewest = std::min(fewest, count_batches(samples, options_.batch_size, options_.drop_last));
  }
  return fewest;
}

Status PipelineReader::begin_epoch() {
  std::vector<EpochPlan> all = plans(state_.epoch);
  ONEFOLD_ASSIGN_OR_RETURN(const int64_t epoch_batches, max_batches(all));
  EpochPlan& plan = all[options_.rank];
  ONEFOLD_ASSIGN_OR_RETURN(
      const EpochPosition position,
      find_position(plan, counter_, state_.batches_done, options_.batch_size, options_.drop_last));
  EpochStreamOptions stream{.batch_size = options_.batch_size,
                            .fold = options_.fold,
                            .drop_last = options_.drop_last,
                            .holdout = holdout_,
                            .shuffle_seed = std::nullopt,
                            .read_threads = options_.prefetch_batches ? options_.read_threads : 0,
                            .first_window = position.window,
                            .skip_samples = position.samples,
                            .max_batches = epoch_batches - state_.batches_done};
  if (options_.shuffle) stream.shuffle_seed = order_seed(options_.seed, state_.epoch);
  stream_.emplace(
      std::move(plan), [this](int32_t row_group) { return read_row_group(row_group); }, stream);
  if (options_.prefetch_batches > 0) {
    prefetcher_.emplace([this] { return produce(); }, options_.prefetch_batches);
  }
  return {};
}

void PipelineReader::end_epoch() {
  if (prefetcher_) stats_.stall_seconds += prefetcher_->stall_seconds();
  prefetcher_.reset();  // joins its thread, which uses the stream
  stream_.reset();
}

Result<RowGroup> PipelineReader::read_row_group(int32_t row_group) const {
  ONEFOLD_ASSIGN_OR_RETURN(Batch batch, table_->read(table_->row_groups()[row_group]));
  ONEFOLD_RETURN_IF_ERROR(apply_transforms(options_.transforms, batch));
  return make_row_group(std::move(batch), options_.fold);
}

Result<std::optional<PipelineReader::Delivery>> PipelineReader::produce() {
  ONEFOLD_ASSIGN_OR_RETURN(std::optional<Batch> batch, stream_->next());
  if (!batch) return std::optional<Delivery>();
  Delivery delivery{std::move(*batch), {}};
  for (const FeatureGroup& group : delivery.batch.groups) {
    delivery.groups.push_back(count_group(group));
  }
  return std::optional<Delivery>(std::move(delivery));
}

Result<std::optional<PipelineReader::Delivery>> PipelineReader::pull() {
  try {
    return prefetcher_ ? prefetcher_->next() : produce();
  } catch (...) {
    end_epoch();  // its thread has ended: another next() would wait for ever
    throw;
  }
}

void PipelineReader::count(const Delivery& delivery) {
  stats_.batches += 1;
  stats_.samples += delivery.batch.num_samples();
  stats_.groups.resize(delivery.groups.size());
  for (size_t g = 0; g < delivery.groups.size(); ++g) {
    ReaderStats::Group& total = stats_.groups[g];
    const ReaderStats::Group& counts = delivery.groups[g];
    total.name = counts.name;
    total.samples += counts.samples;
    total.unique += counts.unique;
    total.sample_values += counts.sample_values;
    total.unique_values += counts.unique_values;
  }
}

Result<std::optional<Batch>> PipelineReader::next() {
  if (!failure_.ok()) return failure_;
  const Stopwatch waiting;
  if (!stream_) {
    failure_ = begin_epoch();
    if (!failure_.ok()) return failure_;
  }
  Result<std::optional<Delivery>> delivery = pull();
  stats_.wait_seconds += waiting.seconds();
  if (!delivery.ok()) {
    failure_ = delivery.status();
    end_epoch();
    return failure_;
  }
  if (!delivery->has_value()) {
    end_epoch();
    state_ = {state_.epoch + 1, 0};
    return std::optional<Batch>();
  }
  count(**delivery);
  ++state_.batches_done;
  return std::optional<Batch>(std::move((*delivery)->batch));
}

Status PipelineReader::restore(const ReaderState& state) {
  if (state.epoch < 0 || state.batches_done < 0) {
    return invalid_argument("a reader state cannot be negative");
  }
  std::vector<EpochPlan> all = plans(state.epoch);
  ONEFOLD_ASSIGN_OR_RETURN(const int64_t epoch_batches, max_batches(all));
  if (state.batches_done > epoch_batches) {
    return invalid_argument("cannot go on after batch " + std::to_string(state.batches_done) +
                            ": the ranks have " + std::to_string(epoch_batches) + " batches each");
  }
  ONEFOLD_RETURN_IF_ERROR(find_position(all[options_.rank], counter_, state.batches_done,
                                        options_.batch_size, options_.drop_last)
                              .status());
  end_epoch();
  failure_ = {};
  state_ = state;
  return {};
}

ReaderStats PipelineReader::stats() const {
  ReaderStats stats = stats_;
  stats.bytes_read = table_->bytes_read() + (keys_ ? keys_->bytes_read() : 0);
  if (prefetcher_) stats.stall_seconds += prefetcher_->stall_seconds();
  return stats;
}

}  // namespace onefold
