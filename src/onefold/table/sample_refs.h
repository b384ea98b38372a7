// SPDX-License-Identifier: Apache-2.0
// Where the samples of a row group find their lists: the columns <group>.ref and, of a windowed
// group, <group>.start and <group>.len, checked against the payload row group.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <arrow/type_fwd.h>

#include "onefold/base/status.h"

namespace onefold {

struct SampleRefs {
  std::vector<int64_t> rows;             // [samples] of the payload row group
  std::vector<int64_t> starts, lengths;  // [samples] windowed groups; else empty
};

// `payload`: all columns of the payload row group, whose first row has ref `first_ref`. kSchema for
// a column that is missing or not int64, kDataLoss for nulls, a ref that leaves the payload, and a
// window that leaves the longest list of its payload row; they name column and sample.
Result<SampleRefs> sample_refs(const arrow::Table& samples, const std::string& group,
                               bool is_windowed, const arrow::Table& payload, int64_t first_ref);

// An int64 column without nulls; kSchema, kDataLoss when it is none.
Result<std::vector<int64_t>> int64_values(const arrow::Table& table, const std::string& name);

}  // namespace onefold
