// SPDX-License-Identifier: Apache-2.0
// FeatureCells: one feature's cells in a record batch: single values, Arrow lists, or text that is
// split into lists.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <arrow/type_fwd.h>

#include "onefold/base/status.h"
#include "onefold/row_import/row_mapping.h"
#include "onefold/timeline/cell_column.h"

namespace onefold {

// One feature of one row. Dense features and float lists use `floats`, the others `ids`.
struct FeatureValue {
  std::vector<int64_t> ids;
  std::vector<float> floats;

  bool operator==(const FeatureValue& other) const;  // bit for bit
};

// The kind that `feature` has in a column of `type`: as given, else by the type. `untyped`: a file
// whose values all come as text.
// kInvalidArgument, naming the mapping's line, when the type does not tell or does not fit.
Result<FeatureKind> kind_in(const arrow::DataType& type, const FeatureColumn& feature,
                            const RowMapping& mapping, bool untyped);

class FeatureCells {
 public:
  // REQUIRES: kind_in() accepted the array's type, with `kind`.
  FeatureCells(const std::shared_ptr<arrow::Array>& array, const FeatureColumn& feature,
               FeatureKind kind);

  // kBad for what is no number and for an id list with a hole; an empty cell is no id, NaN or an
  // empty list.
  Cell read(int64_t row, FeatureValue* value) const;
  // Of a cell that is no list, for messages; else nothing.
  std::string text(int64_t row) const;

 private:
  FeatureKind kind_;
  bool lists_ = false;
  std::vector<std::pair<int64_t, int64_t>> ranges_;  // lists: begin and end in cells_, by row
  std::vector<CellColumn> cells_;                    // one
};

}  // namespace onefold
