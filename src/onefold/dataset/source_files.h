// SPDX-License-Identifier: Apache-2.0
// The files of a Parquet data set: one file, or all *.parquet below a directory.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <arrow/type_fwd.h>

#include "onefold/base/status.h"
#include "onefold/table/arrow_file.h"

namespace onefold {

struct SourceFiles {
  std::string root;                // directory
  std::vector<std::string> files;  // below it, in the order of their names
  int64_t bytes = 0;
  int64_t num_rows = 0;

  std::string path(size_t i) const { return root + "/" + files[i]; }
};

// Names and columns of all files are looked at: kNotFound when there is none, kInvalidArgument for
// a Onefold table, kSchema when files differ in a column's name or type or use a name twice,
// kDataLoss for a damaged footer.
Result<SourceFiles> find_source_files(const std::string& source);

// What Arrow's types do not say of a file, and what writing its columns again needs.
struct SourceTraits {
  bool int96_timestamps = false;   // nanosecond timestamps are Parquet's deprecated INT96
  bool time_adjusted_utc = false;  // TIME columns count as UTC

  ArrowFileOptions file_options(int zstd_level) const {
    return {.zstd_level = zstd_level,
            .int96_timestamps = int96_timestamps,
            .time_adjusted_utc = time_adjusted_utc};
  }
};
SourceTraits source_traits(const ArrowFile& file);

// Schema metadata of a samples file: `schema` and `traits` of the file it was folded from.
std::shared_ptr<const arrow::KeyValueMetadata> describe_source(const arrow::Schema& schema,
                                                               const SourceTraits& traits);

struct SourceDescription {
  std::shared_ptr<arrow::Schema> schema;  // nullptr: `metadata` describes none
  SourceTraits traits;
};
Result<SourceDescription> source_description(const arrow::Schema& samples, const std::string& path);

}  // namespace onefold
