// SPDX-License-Identifier: Apache-2.0
// Arrow arrays of any type as 64-bit words, equal for equal values (see sample_source.h).
#pragma once

#include <cstdint>
#include <vector>

#include <arrow/type_fwd.h>

#include "onefold/base/status.h"
#include "onefold/jagged/jagged_tensor.h"

namespace onefold {

// One word per element [array.length()]; kNullWord for nulls. Structs and nested lists are the hash
// of their parts. kUnsupported for list views, run-end encoding and unions.
Result<std::vector<int64_t>> value_words(const arrow::Array& array);

// A column as lists: list types row by row; scalars as rows of one word; nulls as empty rows.
Result<JaggedTensor<int64_t>> row_words(const arrow::Array& column);

}  // namespace onefold
