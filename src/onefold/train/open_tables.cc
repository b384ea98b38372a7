// SPDX-License-Identifier: Apache-2.0
// Trainer::open: a configuration's tables as batch sources.
#include <fmt/ranges.h>

#include "onefold/embedding_store/embedding_join.h"
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
  options.windows = config.loop.dedup;
  options.shuffle = config.data.shuffle;
  options.seed = config.loop.seed;
  options.shuffle_row_groups = static_cast<int>(config.data.shuffle_row_groups);
  options.prefetch_batches = static_cast<int>(config.data.prefetch_batches);
  options.transforms = make_transforms(config.model);
  options.embeddings = config.data.embeddings;
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

// What the table's user embeddings are, or those of the store that it is joined with; nothing where
// there are none.
Result<std::vector<JoinedEmbedding>> embeddings_of(const std::string& table,
                                                   const Manifest& manifest,
                                                   const std::string& store) {
  if (store.empty()) return manifest.embeddings;
  if (!manifest.embeddings.empty()) {
    return schema_error(table + ": was built with user embeddings; leave embeddings out of [data]");
  }
  ONEFOLD_ASSIGN_OR_RETURN(auto join, EmbeddingJoin::open(store));
  return join->versions();
}

// A table may be empty, and one folded from Parquet files has the columns that they had.
Status check_trainable(const std::string& table, const Manifest& manifest) {
  if (manifest.num_samples == 0) return schema_error(table + ": has no samples to train on");
  if (!manifest.source || manifest.source->missing_keys.empty()) return {};
  return schema_error(
      fmt::format("{}: not for training: the files it was folded from have no {} of the types that "
                  "it needs: int64, and for time a timestamp in microseconds, UTC",
                  table, fmt::join(manifest.source->missing_keys, ", ")));
}

// The model is trained on one kind of embedding and evaluated on the same.
Status check_eval_embeddings(const TrainConfig& config, JoinedEmbedding trained) {
  if (config.data.eval_table.empty()) return {};
  ONEFOLD_ASSIGN_OR_RETURN(const Manifest manifest, read_manifest(config.data.eval_table));
  ONEFOLD_ASSIGN_OR_RETURN(auto evaluated,
                           embeddings_of(config.data.eval_table, manifest, config.data.embeddings));
  if (!evaluated.empty()) {
    trained.version = evaluated.back().version;
    if (trained == evaluated.back()) return {};
  }
  return schema_error(config.data.eval_table + ": its user embeddings are not those of " +
                      config.data.table +
                      ": they differ in upstream model, slices, shape or format");
}

// Tells the model what its embeddings are; the schema gets their group if they are joined.
Status describe_embeddings(TrainConfig& config, Manifest& manifest) {
  const std::string& store = config.data.embeddings;
  if (config.model.embeddings.empty()) {
    if (store.empty()) return {};
    return invalid_argument(
        "[data] sets embeddings, but no [[embedding]] says how they enter the "
        "model");
  }
  ONEFOLD_ASSIGN_OR_RETURN(const auto versions, embeddings_of(config.data.table, manifest, store));
  if (versions.empty()) return {};  // check_model says so
  for (EmbeddingConfig& embedding : config.model.embeddings) {
    ONEFOLD_RETURN_IF_ERROR(describe(versions.back(), embedding));
  }
  if (!store.empty()) {
    ONEFOLD_ASSIGN_OR_RETURN(manifest.schema, with_user_embedding(std::move(manifest.schema)));
  }
  return check_eval_embeddings(config, versions.back());
}

}  // namespace

Result<std::unique_ptr<Trainer>> Trainer::open(const TrainConfig& config) {
  ONEFOLD_ASSIGN_OR_RETURN(Manifest manifest, read_manifest(config.data.table));
  ONEFOLD_RETURN_IF_ERROR(check_trainable(config.data.table, manifest));
  TrainConfig described = config;
  ONEFOLD_RETURN_IF_ERROR(describe_embeddings(described, manifest));
  ONEFOLD_ASSIGN_OR_RETURN(const TrainConfig resolved, resolve(described, manifest.schema));
  ONEFOLD_ASSIGN_OR_RETURN(auto train, open_train(resolved));
  ONEFOLD_ASSIGN_OR_RETURN(auto eval, open_eval(resolved));
  return create(resolved, manifest.schema, std::move(train), std::move(eval));
}

}  // namespace onefold
