// SPDX-License-Identifier: Apache-2.0
// PipelineReader: the BatchReader over any TableReader; puts the stages together, epoch by epoch.
#pragma once

#include <memory>
#include <optional>

#include "onefold/reader/batch_reader.h"
#include "onefold/reader/epoch_position.h"
#include "onefold/reader/epoch_stream.h"
#include "onefold/reader/prefetcher.h"

namespace onefold {

class PipelineReader : public BatchReader {
 public:
  // `table` is opened with the options' columns. `keys`, a projection of the same table to little
  // more than its keys, serves to count the samples of a holdout; nullptr: `table` does.
  static Result<std::unique_ptr<BatchReader>> make(std::unique_ptr<TableReader> table,
                                                   std::unique_ptr<TableReader> keys,
                                                   const BatchReaderOptions& options);

  const Schema& schema() const override { return table_->schema(); }
  Result<std::optional<Batch>> next() override;
  ReaderState state() const override { return state_; }
  Status restore(const ReaderState& state) override;
  ReaderStats stats() const override;

 private:
  struct Delivery {
    Batch batch;
    std::vector<ReaderStats::Group> groups;  // of this batch
  };

  PipelineReader(std::unique_ptr<TableReader> table, std::unique_ptr<TableReader> keys,
                 const BatchReaderOptions& options);

  std::vector<EpochPlan> plans(int64_t epoch) const;  // [world_size]
  // Batches that every rank gives in an epoch; no limit where ranks need not be even.
  Result<int64_t> max_batches(const std::vector<EpochPlan>& plans);
  Status begin_epoch();
  void end_epoch();
  Result<RowGroup> read_row_group(int32_t row_group) const;
  Result<std::optional<Delivery>> produce();  // on the prefetcher's thread, if there is one
  Result<std::optional<Delivery>> pull();     // what was produced next
  void count(const Delivery& delivery);

  const BatchReaderOptions options_;
  const Holdout holdout_;
  std::unique_ptr<TableReader> table_;
  std::unique_ptr<TableReader> keys_;
  SampleCounter counter_;
  ReaderState state_;
  ReaderStats stats_;
  Status failure_;  // what next() keeps returning
  // The epoch in progress: none before its first next(). The prefetcher pulls from the stream.
  std::optional<EpochStream> stream_;
  std::optional<Prefetcher<Delivery>> prefetcher_;
};

}  // namespace onefold
