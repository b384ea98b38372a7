// SPDX-License-Identifier: Apache-2.0
// inspect: reads a table, or any Parquet files, once and reports how much of it is repetition.
//
//   ONEFOLD_ASSIGN_OR_RETURN(const InspectReport report, inspect("tables/clicks", {}));
//   std::cout << to_text(report);
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "onefold/base/status.h"
#include "onefold/inspect/report.h"
#include "onefold/inspect/sample_source.h"

namespace onefold {

struct InspectOptions {
  // Columns of Parquet files; `session` is needed there, the others may be empty
  // (parquet_source.h). A Onefold table knows its own: naming any is kInvalidArgument.
  std::string session = {};
  std::string user = {};
  std::string time = {};
  std::string label = {};
  std::string request = {};
  std::vector<std::string> skip = {};  // columns that are no features
  int64_t batch_size = 4096;           // within which fold factors are counted
};

// `path`: a Onefold table, a Parquet file, or a directory of Parquet files. kInvalidArgument for
// options that do not fit it (says which are needed, and which columns there are); else as
// open_table_source() and open_parquet_source().
Result<InspectReport> inspect(const std::string& path, const InspectOptions& options);

// The samples that inspect() reads. Errors as there.
Result<std::unique_ptr<SampleSource>> open_source(const std::string& path,
                                                  const InspectOptions& options);

}  // namespace onefold
