// SPDX-License-Identifier: Apache-2.0
// The rows of a foreign CSV file as text, a block at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "onefold/base/status.h"

namespace onefold {

// The fields of one row, in the order of the columns asked for; valid during the call.
using CsvRow = std::function<Status(std::span<const std::string_view>)>;

// Calls `on_row` for each row below the header line; a name that ends in ".zst" is zstd-compressed.
// Returns the number of lines passed over because they have more or fewer fields than the header.
// kNotFound: no such file; kSchema: a column is missing; kDataLoss: not CSV; kIoError: cannot be
// read, or is cut or damaged below its compression; else `on_row`'s error.
Result<int64_t> read_csv_rows(const std::string& path, const std::vector<std::string>& columns,
                              const CsvRow& on_row);

}  // namespace onefold
