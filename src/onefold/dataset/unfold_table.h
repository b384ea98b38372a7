// SPDX-License-Identifier: Apache-2.0
// unfold_table: a folded table to plain Parquet files in which every row has its own values.
#pragma once

#include <cstdint>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "onefold/base/status.h"
#include "onefold/dataset/fold_dataset.h"

namespace onefold {

struct UnfoldOptions {
  int zstd_level = 3;
  DatasetProgress progress;
};

struct UnfoldReport {
  int64_t files = 0, rows = 0;
  int64_t table_bytes = 0, unfolded_bytes = 0;
};

// Writes one file per part below the directory `destination`. Of a table that fold_dataset() made,
// the files it was made from: their names, rows, order, row groups, columns, types and metadata.
// Of another folded table, "<part>.parquet" with the groups' columns where the refs were.
// kInvalidArgument when `destination` exists and is not empty or the table is plain; kDataLoss for
// damage. Memory: one row group, unfolded.
Result<UnfoldReport> unfold_table(const std::string& table, const std::string& destination,
                                  const UnfoldOptions& options);

nlohmann::json to_json(const UnfoldReport& report);

}  // namespace onefold
