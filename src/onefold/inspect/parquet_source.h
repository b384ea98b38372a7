// SPDX-License-Identifier: Apache-2.0
// The samples of any Parquet file, or of a directory of them in the order of their names.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "onefold/inspect/sample_source.h"

namespace onefold {

struct ParquetSourceOptions {
  std::string session;       // column; scalar of any type, without nulls
  std::string user;          // column or empty; scalar of any type
  std::string time;          // column or empty; integer, float, date or timestamp, without nulls
  std::string label;         // column or empty; boolean or number, positive when above 0
  std::string request = {};  // column or empty; scalar of any type, without nulls
  std::vector<std::string> skip = {};  // columns that are no features
};

// The files that make up `path`: itself, or every *.parquet below it, sorted. kNotFound when there
// is none.
Result<std::vector<std::string>> parquet_files(const std::string& path);

// All columns that the options do not name are features. kNotFound for a file or a column that is
// not there (names those that are), kDataLoss for a damaged file, kSchema when files differ in
// their columns or a named column has an unfit type.
Result<std::unique_ptr<SampleSource>> open_parquet_source(const std::vector<std::string>& files,
                                                          const ParquetSourceOptions& options);

}  // namespace onefold
