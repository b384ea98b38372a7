// SPDX-License-Identifier: Apache-2.0
// verify_table: everything about a table that can be checked without the logs it was made from.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "onefold/base/status.h"

namespace onefold {

struct TableProblem {
  std::string file;  // in the table
  std::string what;
};

struct TableVerification {
  int64_t files = 0;
  int64_t bytes = 0;
  int64_t row_groups = 0;  // of samples files
  int64_t samples = 0;
  int64_t unused_rows = 0;  // payload rows that no sample refers to: allowed, and wasted
  // Files, the manifest among them, whose writer recorded no checksum: allowed, and a changed byte
  // that Parquet's own checks do not notice passes.
  int64_t unchecked_files = 0;
  std::vector<TableProblem> problems;
};

// Done and all bytes of the table's files.
using VerifyProgress = std::function<void(int64_t, int64_t)>;

// Reads the whole table: the manifest's checksum; of every file its existence, size, checksum (where
// the manifest has one) and row groups; every column of every row group decoded; refs consecutive in payloads and, in
// samples, inside their row group; types and nulls as the schema says; counts; Parquet files that
// the manifest does not list. What is wrong is a problem, one each; a file that is not the one the
// manifest means is not decoded. Memory: one row group of every file of a part, and the session
// ids. kNotFound when there is no table.
Result<TableVerification> verify_table(const std::string& table,
                                       const VerifyProgress& progress = {});

nlohmann::json to_json(const TableVerification& verification);

}  // namespace onefold
