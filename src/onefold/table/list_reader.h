// SPDX-License-Identifier: Apache-2.0
// Decodes one list column chunk straight into the values and offsets of a JaggedTensor.
#pragma once

#include <parquet/file_reader.h>

#include "onefold/jagged/jagged_tensor.h"

namespace onefold {

// T is int64_t or float. REQUIRES: leaf column `column` is a list of T, not nested further.
// A null list reads as an empty one; a null inside a list is refused. Throws
// parquet::ParquetException on damaged bytes or when there are not `num_rows` rows.
template <typename T>
JaggedTensor<T> read_lists(parquet::RowGroupReader& row_group, int column, int64_t num_rows);

// The same through the Parquet library's level arrays: any nullability, slower. read_lists falls
// back to it for files that others wrote; visible for tests and measurement.
template <typename T>
JaggedTensor<T> read_nullable_lists(parquet::RowGroupReader& row_group, int column,
                                    int64_t num_rows);

}  // namespace onefold
