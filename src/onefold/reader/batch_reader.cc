// SPDX-License-Identifier: Apache-2.0
#include "onefold/reader/batch_reader.h"

#include <algorithm>
#include <utility>

#include "onefold/reader/joined_table.h"
#include "onefold/reader/pipeline_reader.h"

namespace onefold {
namespace {

// The keys of a table cannot be read alone: something small goes with them.
std::string smallest_column(const Schema& schema) {
  if (!schema.labels.empty()) return schema.labels.front().name;
  for (FeatureKind kind : {FeatureKind::kDense, FeatureKind::kId}) {
    for (const FeatureSpec& feature : schema.features) {
      if (feature.kind == kind) return feature.name;
    }
  }
  return schema.features.empty() ? "" : schema.features.front().name;
}

// The table with the options' columns; with user embeddings, if they are asked for.
Result<std::unique_ptr<TableReader>> open_table(const std::string& table, const Manifest& manifest,
                                                const BatchReaderOptions& options, bool fold) {
  std::vector<std::string> columns = options.columns;
  // Kept as windows until gather() expands them, too, when batches are not folded.
  const bool windows = options.windows || !options.fold;
  const auto named = std::find(columns.begin(), columns.end(), kUserEmbeddingWords);
  if (options.embeddings.empty() || (!columns.empty() && named == columns.end())) {
    return TableReader::open(table, {.columns = columns, .fold = fold, .windows = windows});
  }
  if (manifest.schema.find(kUserEmbeddingWords) != nullptr) {
    return schema_error(table +
                        ": was built with user embeddings; it cannot be joined with those of " +
                        options.embeddings + " again, leave the store away");
  }
  if (named != columns.end()) columns.erase(named);
  if (columns.empty() && !options.columns.empty()) columns = {smallest_column(manifest.schema)};
  ONEFOLD_ASSIGN_OR_RETURN(
      auto reader,
      TableReader::open(table, {.columns = columns, .fold = fold, .windows = windows}));
  ONEFOLD_ASSIGN_OR_RETURN(
      auto embeddings,
      EmbeddingJoin::open(options.embeddings, {.cache_bytes = options.embedding_cache_bytes}));
  return join_embeddings(std::move(reader), std::move(embeddings), fold);
}

}  // namespace

Result<std::unique_ptr<BatchReader>> BatchReader::open(const std::string& table,
                                                       const BatchReaderOptions& options) {
  ONEFOLD_ASSIGN_OR_RETURN(const Manifest manifest, read_manifest(table));
  // Expanding a folded row group before its samples are picked would only copy more; gather() does
  // it on the way into the batch.
  const bool fold = options.fold || manifest.layout == TableLayout::kFolded;
  ONEFOLD_ASSIGN_OR_RETURN(auto reader, open_table(table, manifest, options, fold));
  std::unique_ptr<TableReader> keys;
  if (options.holdout_begin < options.holdout_end) {
    const std::string column = smallest_column(manifest.schema);
    if (!column.empty()) {
      ONEFOLD_ASSIGN_OR_RETURN(keys, TableReader::open(table, {.columns = {column}, .fold = true}));
    }
  }
  return PipelineReader::make(std::move(reader), std::move(keys), options);
}

}  // namespace onefold
