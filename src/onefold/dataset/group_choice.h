// SPDX-License-Identifier: Apache-2.0
// Which columns to fold, and which of them together.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <arrow/type_fwd.h>

#include "onefold/base/status.h"

namespace onefold {

struct ColumnGroup {
  std::string name;
  std::vector<std::string> columns;
  bool windowed = false;  // stored as windows on merged rows (merge_lists.h)

  bool operator==(const ColumnGroup&) const = default;
};

bool in_a_group(const std::vector<ColumnGroup>& groups, const std::string& column);

// "history=viewed,dwell". kInvalidArgument.
Result<ColumnGroup> parse_column_group(const std::string& text);
// A windowed group, "history=viewed,dwell" or "viewed,dwell": without a name. kInvalidArgument.
Result<ColumnGroup> parse_window_group(const std::string& text);
// Names the groups without one "window0", "window1", ...
void name_column_groups(std::vector<ColumnGroup>& groups, const arrow::Schema& schema);

// Groups named by a person: kNotFound for a column that `schema` does not have (names those that
// are there), kInvalidArgument for a name or column used twice or reserved, kUnsupported for a
// type that cannot be folded, or of a windowed group, for what is no list.
Status check_column_groups(const std::vector<ColumnGroup>& groups, const arrow::Schema& schema);

// Groups measured on `sample`, consecutive rows of the data: "group0", "group1", ... A column is
// worth folding when it is a list, map or struct, or long text, and its distinct rows with a
// reference per sample are less than half of its bytes. Two groups become one when that costs
// fewer bytes than two: columns that change together. Scalars are left alone, Parquet's
// dictionaries fold them well enough. Columns and names of the groups `named` are left alone.
std::vector<ColumnGroup> choose_column_groups(const arrow::Table& sample,
                                              const std::vector<ColumnGroup>& named = {});

}  // namespace onefold
