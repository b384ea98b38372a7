// SPDX-License-Identifier: Apache-2.0
// TableWriter: writes Batches as a table, one row group per Batch.
#pragma once

#include <memory>
#include <string>

#include "onefold/base/status.h"
#include "onefold/jagged/batch.h"
#include "onefold/table/manifest.h"

namespace arrow::internal {
class Executor;
}

namespace onefold {

struct TableWriterOptions {
  TableLayout layout = TableLayout::kFolded;
  int zstd_level = 3;
  // Columns are encoded in its threads; borrowed. The caller must not be one of them.
  arrow::internal::Executor* executor = nullptr;
  int64_t part_rows = 4 << 20;  // a new part begins when the current one has this many samples
};

// kInvalidArgument when `directory` exists and is neither empty nor a table: never overwrite what
// is not ours.
Status check_table_destination(const std::string& directory);

// The table appears at `directory` only when finish() returns OK; an older table there is replaced
// in the same rename (base/files.h, StagingDirectory). Destroyed before finish(), nothing changes.
class TableWriter {
 public:
  // kInvalidArgument as check_table_destination().
  static Result<std::unique_ptr<TableWriter>> open(const std::string& directory,
                                                   const Schema& schema,
                                                   const TableWriterOptions& options = {});
  virtual ~TableWriter() = default;

  // Writes one row group to the current part of `partition` ("dt=2023-05-18", or ""). Folded: each
  // group's unique rows go to the payload file as they are; those of a windowed group are merged
  // first, if the caller has not done so (jagged/windowed_groups.h). Plain: rows are expanded.
  // REQUIRES: the batch follows the schema (CheckError).
  virtual Status write(const std::string& partition, const Batch& batch) = 0;

  // What the manifest shall say of the events behind the labels.
  virtual void set_label_events(std::vector<LabelEvents> label_events) = 0;

  // What the manifest shall say of the user embeddings in the batches.
  virtual void set_embeddings(std::vector<JoinedEmbedding> embeddings) = 0;

  // What the manifest shall say of down-sampling.
  virtual void set_sampling(const TableSampling& sampling) = 0;

  // Where the table's files are until finish(): for files that are no part of its format.
  virtual const std::string& directory() const = 0;

  // Closes all files, writes the manifest, puts the table in place.
  virtual Result<Manifest> finish() = 0;
};

}  // namespace onefold
