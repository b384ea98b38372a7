// SPDX-License-Identifier: Apache-2.0
// fold_dataset: any Parquet data set to a folded table, and back, without loss.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "onefold/base/status.h"
#include "onefold/dataset/group_choice.h"

namespace onefold {

// Done and all rows.
using DatasetProgress = std::function<void(int64_t, int64_t)>;

struct FoldOptions {
  // Windowed ones may lack a name. Exact ones are chosen on the first rows when there are none
  // (group_choice.h).
  std::vector<ColumnGroup> groups;
  // Column with the user id: windows are looked for among the rows of one user. Empty: user_id if
  // there is one, else `session`, else all rows are one user's.
  std::string user;
  std::string session;              // column whose distinct values are counted, or empty
  std::vector<std::string> labels;  // float32 columns that training may take as labels
  int zstd_level = 3;
  DatasetProgress progress;
};

struct FoldedGroup {
  ColumnGroup group;
  int64_t samples = 0;         // rows before folding
  int64_t unique = 0;          // payload rows
  int64_t windows = 0;         // windowed groups: distinct rows, which are windows on these
  int64_t bytes = 0;           // of the values, not compressed: of all samples
  int64_t distinct_bytes = 0;  // of the distinct rows
  int64_t unique_bytes = 0;    // and of the payload rows
};

struct FoldReport {
  std::vector<FoldedGroup> groups;
  bool groups_chosen = false;  // the exact ones, and not named
  int64_t files = 0, rows = 0, row_groups = 0;
  int64_t source_bytes = 0, table_bytes = 0;  // of Parquet files
  std::vector<std::string> missing_keys;      // why training cannot read the table; empty: it can
};

// Folds `source` (source_files.h) into a table at `table`: one part per file, in the order of
// their names, row groups and rows as they are, a group's rows once per row group wherever they
// repeat. A column of no group is copied. What unfold_table() needs to give back the same files is
// in the samples files' metadata. Memory: one row group. The table appears when all is written.
Result<FoldReport> fold_dataset(const std::string& source, const std::string& table,
                                const FoldOptions& options);

nlohmann::json to_json(const FoldReport& report);
std::string to_text(const FoldReport& report);

}  // namespace onefold
