// SPDX-License-Identifier: Apache-2.0
// PartReader: the files of one part of a table, opened, checked against the manifest and bound to
// the columns that the schema asks for.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "onefold/jagged/batch.h"
#include "onefold/table/column_reader.h"
#include "onefold/table/manifest.h"
#include "onefold/table/parquet_file.h"

namespace onefold {

class PartReader {
 public:
  PartReader() = default;  // open() fills it

  // `schema` is the projected one: only its columns are looked up, only its groups' files opened.
  // kNotFound, kDataLoss, kSchema; `part` is of a checked manifest.
  static Result<std::shared_ptr<const PartReader>> open(const std::string& root,
                                                        const TablePart& part, TableLayout layout,
                                                        const Schema& schema);

  // Thread safe. Adds the stored bytes of the column chunks it read to `bytes_read`. `windows`:
  // windowed groups as they are stored; else with their unique rows cut.
  Result<Batch> read(int row_group, bool fold, bool windows, int64_t& bytes_read) const;

 private:
  // A group and where its rows come from.
  struct Group {
    std::string name;
    std::vector<BoundColumn> features;     // of the payload file, or plain: of the samples file
    std::unique_ptr<ParquetFile> payload;  // kFolded only, like the members below
    BoundColumn samples_ref, payload_ref;
    bool windowed = false;
    bool is_part = false;                       // the payload file has columns that are not read
    BoundColumn samples_start, samples_length;  // windowed only
    std::vector<int64_t> first_refs;            // [row groups]: ref of the row group's first row
  };

  Status bind_samples(const Schema& schema, TableLayout layout);
  Status bind_group(const std::string& root, const GroupFile& file, const Schema& schema);
  Result<InverseKeyedJaggedTensor> read_folded(const Group& group, RowGroupColumns& samples,
                                               int row_group, int64_t& bytes_read) const;
  Result<InverseKeyedJaggedTensor> read_windows(const Group& group, RowGroupColumns& samples,
                                                KeyedJaggedTensor payload,
                                                const std::vector<int32_t>& rows) const;

  std::unique_ptr<ParquetFile> samples_;
  std::vector<BoundColumn> keys_, labels_, dense_, features_;
  std::vector<Group> groups_;
};

}  // namespace onefold
