// SPDX-License-Identifier: Apache-2.0
// Key columns of foreign Parquet: session and user ids, times, labels, of whatever type.
#pragma once

#include <cstdint>
#include <vector>

#include <arrow/type_fwd.h>

#include "onefold/base/status.h"

namespace onefold {

// One word per element, equal for equal ids. kSchema for lists and structs, and for a null unless
// `nulls_allowed` (then kNullWord).
Result<std::vector<uint64_t>> id_column(const arrow::Array& array, bool nulls_allowed);

// Numbers in the order of time. kSchema for a null and for other types than numbers, dates and
// timestamps.
Result<std::vector<int64_t>> time_column(const arrow::Array& array);

// How many elements are above 0 (or true). kSchema for other types than numbers and booleans.
Result<int64_t> count_positives(const arrow::Array& array);

}  // namespace onefold
