// SPDX-License-Identifier: Apache-2.0
// FoldedPart: the samples file and the payload files made from one file of a data set.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "onefold/dataset/fold_dataset.h"
#include "onefold/table/arrow_file.h"
#include "onefold/table/manifest.h"

namespace onefold {

struct FoldedPartOptions {
  std::string root;       // directory of the table
  std::string partition;  // below root; "" for none
  int64_t number = 0;     // unique in the table: in the file names, and the high half of refs
  int zstd_level = 3;
};

class FoldedPart {
 public:
  // Files for the rows of `source`, without its columns in `groups`. REQUIRES: it has those.
  static Result<std::unique_ptr<FoldedPart>> create(const FoldedPartOptions& options,
                                                    const ArrowFile& source,
                                                    const std::vector<ColumnGroup>& groups);

  // One row group of every file. Adds to the counts of each group.
  Status write(const arrow::Table& rows, std::vector<FoldedGroup>& folded,
               std::vector<GroupStats>& stats);
  Result<TablePart> close();

 private:
  struct Payload {
    ColumnGroup group;
    std::shared_ptr<arrow::Schema> schema;  // ref, then the columns
    std::unique_ptr<ArrowFileWriter> file;
    int64_t first_ref = 0, next_ref = 0;
  };

  FoldedPart() = default;
  Status create_files(const FoldedPartOptions& options, const ArrowFile& source,
                      const std::vector<ColumnGroup>& groups);

  FoldedPartOptions options_;
  std::shared_ptr<arrow::Schema> samples_schema_;
  std::unique_ptr<ArrowFileWriter> samples_;
  std::vector<Payload> payloads_;
};

}  // namespace onefold
