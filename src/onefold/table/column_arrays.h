// SPDX-License-Identifier: Apache-2.0
// Columns of a Batch as Arrow arrays for the Parquet writer. Lists and keys are borrowed, not
// copied: an array must not outlive the tensor it was made from.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include <arrow/type_fwd.h>

#include "onefold/jagged/batch.h"
#include "onefold/table/table_columns.h"

namespace onefold {

using ArrowArrays = std::vector<std::shared_ptr<arrow::Array>>;

std::shared_ptr<arrow::Field> to_arrow_field(const TableColumn& column);

std::shared_ptr<arrow::Array> to_arrow(std::span<const int64_t> values);
std::shared_ptr<arrow::Array> to_arrow_time(std::span<const int64_t> time_us);
// Column `index` of `columns`, copied: the file is column major, a batch row major.
std::shared_ptr<arrow::Array> to_arrow(const DenseColumns& columns, int64_t index);
// kId: int64 with nulls; REQUIRES rows of length 0 or 1. Otherwise a list.
std::shared_ptr<arrow::Array> to_arrow(const JaggedColumn& column, FeatureKind kind);

// All columns of `features`, appended to `arrays` in the order of `specs`.
void append_features(const KeyedJaggedTensor& features, const std::vector<FeatureSpec>& specs,
                     ArrowArrays& arrays);

}  // namespace onefold
