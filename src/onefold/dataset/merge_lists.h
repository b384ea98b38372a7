// SPDX-License-Identifier: Apache-2.0
// merge_lists: lists of any element type that overlap, as windows on merged rows (merge_rows.h).
//
//   lists     ["a","b"]   null   ["b","c"]        of one owner
//   payload   ["a","b","c"]   null
//   windows   row 0 1 0   start 0 0 1   length 2 0 2
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include <arrow/type_fwd.h>

#include "onefold/base/status.h"
#include "onefold/jagged/row_windows.h"

namespace onefold {

struct MergedLists {
  std::vector<std::shared_ptr<arrow::Array>> payload;  // [columns] each [P]
  RowWindows windows;                                  // [U]: row u of the columns
};

// What a payload column of lists of `type` is: the same, but of a fixed size a list of any.
std::shared_ptr<arrow::DataType> window_payload_type(const std::shared_ptr<arrow::DataType>& type);

// Merges the rows of `columns`, one owner's together. A row with a null list in any column, and one
// whose lists differ in length, is a payload row of its own. Memory: 16 bytes per value and column.
// kUnsupported for 2^31 values or more in a column.
// REQUIRES: columns of U rows of lists whose elements have row bytes; 0 <= owners[u] < 2^31.
Result<MergedLists> merge_lists(const std::vector<std::shared_ptr<arrow::Array>>& columns,
                                std::span<const int32_t> owners);

}  // namespace onefold
