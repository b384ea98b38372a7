// SPDX-License-Identifier: Apache-2.0
// FoldedPart: the samples file and the payload files made from one file of a data set.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "onefold/dataset/fold_dataset.h"
#include "onefold/dataset/group_rows.h"
#include "onefold/table/arrow_file.h"
#include "onefold/table/manifest.h"

namespace onefold {

// Encodings by kind of file ("samples", the name of a group): measured once for a data set.
using EncodingsByKind = std::map<std::string, LeafEncodings>;

struct FoldedPartOptions {
  std::string root;       // directory of the table
  std::string source;     // the file, for messages
  std::string partition;  // below root; "" for none
  int64_t number = 0;     // unique in the table: in the file names, and the high half of refs
  std::string user;       // column whose values own the lists of windowed groups; empty: one owner
  int zstd_level = 3;
  EncodingsByKind* encodings = nullptr;  // borrowed
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
  // A file that is begun with its first row group, whose rows decide on encodings.
  struct Output {
    std::string kind;
    std::string path;
    std::shared_ptr<arrow::Schema> schema;
    std::unique_ptr<ArrowFileWriter> writer;
  };
  struct Payload {
    ColumnGroup group;
    Output file;  // ref, then the columns
    int64_t first_ref = 0, next_ref = 0;
  };

  FoldedPart() = default;
  Status write_payload(Payload& payload, const GroupRows& stored);
  Status name_files(const ArrowFile& source, const std::vector<ColumnGroup>& groups);
  Status begin(Output& output, const arrow::Table* rows);
  Status write_rows(Output& output, const arrow::Table& rows);
  Result<TableFile> close_file(Output& output);

  FoldedPartOptions options_;
  ArrowFileOptions file_options_;
  Output samples_;
  std::vector<Payload> payloads_;
};

}  // namespace onefold
