// SPDX-License-Identifier: Apache-2.0
// Trainer::open: a configuration's tables as batch sources.
#include "onefold/reader/batch_reader.h"
#include "onefold/table/manifest.h"
#include "onefold/train/trainer.h"

namespace onefold {
namespace {

BatchReaderOptions reader_options(const TrainConfig& config) {
  BatchReaderOptions options;
  options.columns = columns_read(config.model);
  options.batch_size = config.data.batch_size;
  options.fold = config.loop.dedup;
  options.shuffle = config.data.shuffle;
  options.seed = config.loop.seed;
  options.shuffle_row_groups = static_cast<int>(config.data.shuffle_row_groups);
  options.prefetch_batches = static_cast<int>(config.data.prefetch_batches);
  options.transforms = make_transforms(config.model);
  return options;
}

Result<std::unique_ptr<BatchSource>> open_train(const TrainConfig& config) {
  BatchReaderOptions options = reader_options(config);
  options.holdout_end = config.data.holdout;
  options.exclude_holdout = true;
  ONEFOLD_ASSIGN_OR_RETURN(auto reader, BatchReader::open(config.data.table, options));
  return std::unique_ptr<BatchSource>(std::make_unique<ReaderSource>(std::move(reader)));
}

// nullptr when there is nothing to evaluate on.
Result<std::unique_ptr<BatchSource>> open_eval(const TrainConfig& config) {
  if (config.data.eval_table.empty() && config.data.holdout == 0) {
    return std::unique_ptr<BatchSource>();
  }
  BatchReaderOptions options = reader_options(config);
  options.shuffle = false;
  if (config.data.eval_table.empty()) {
    options.holdout_end = config.data.holdout;
    options.exclude_holdout = false;
  }
  const std::string& table =
      config.data.eval_table.empty() ? config.data.table : config.data.eval_table;
  ONEFOLD_ASSIGN_OR_RETURN(auto reader, BatchReader::open(table, options));
  return std::unique_ptr<BatchSource>(std::make_unique<ReaderSource>(std::move(reader)));
}

}  // namespace

Result<std::unique_ptr<Trainer>> Trainer::open(const TrainConfig& config) {
  ONEFOLD_ASSIGN_OR_RETURN(const Manifest manifest, read_manifest(config.data.table));
  ONEFOLD_ASSIGN_OR_RETURN(const TrainConfig resolved, resolve(config, manifest.schema));
  ONEFOLD_ASSIGN_OR_RETURN(auto train, open_train(resolved));
  ONEFOLD_ASSIGN_OR_RETURN(auto eval, open_eval(resolved));
  return create(resolved, manifest.schema, std::move(train), std::move(eval));
}

}  // namespace onefold
