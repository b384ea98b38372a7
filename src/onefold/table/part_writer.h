// SPDX-License-Identifier: Apache-2.0
// PartWriter: the files of one part, kept in step: row group i of each is made from one Batch.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "onefold/jagged/batch.h"
#include "onefold/table/parquet_writer.h"

namespace onefold {

struct PartOptions {
  std::string root;       // directory of the table
  std::string partition;  // below root; "" for none
  int64_t number = 0;     // unique in the table: in the file names, and the high half of refs
  TableLayout layout = TableLayout::kFolded;
};

class PartWriter {
 public:
  // Borrows `chooser`.
  static Result<std::unique_ptr<PartWriter>> create(const PartOptions& options,
                                                    const Schema& schema, EncodingChooser* chooser);

  // REQUIRES: the batch follows the schema and is not empty; folded: its groups are windowed where
  // the schema says so, and only there.
  Status write(const Batch& batch);
  Result<TablePart> close();
  int64_t num_samples() const { return num_samples_; }

 private:
  struct GroupPayload {
    std::string group;
    std::unique_ptr<ParquetWriter> file;
    int64_t next_ref = 0;
  };

  // What one file gets of a Batch.
  struct RowGroup {
    ParquetWriter* file;
    int64_t num_rows;
    ArrowArrays arrays;
    std::vector<int64_t> refs;  // borrowed by the first array of a payload
  };

  PartWriter(PartOptions options, Schema schema, arrow::internal::Executor* executor)
      : options_(std::move(options)), schema_(std::move(schema)), executor_(executor) {}
  std::string file_path(const std::string& suffix) const;
  RowGroup payload_row_group(const InverseKeyedJaggedTensor& features, GroupPayload& payload);
  Status encode_all(const std::vector<RowGroup>& files) const;

  PartOptions options_;
  Schema schema_;
  arrow::internal::Executor* executor_;  // the chooser's
  std::unique_ptr<ParquetWriter> samples_;
  std::vector<GroupPayload> payloads_;  // kFolded only, in schema order
  int64_t num_samples_ = 0;
};

}  // namespace onefold
