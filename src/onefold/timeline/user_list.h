// SPDX-License-Identifier: Apache-2.0
// A Parquet file with one column, user_id: the users that one commit touched.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "onefold/base/status.h"

namespace onefold {

Status write_user_list(const std::string& path, const std::vector<int64_t>& users);
// kDataLoss for damaged bytes, kSchema for other columns.
Result<std::vector<int64_t>> read_user_list(const std::string& path);

}  // namespace onefold
