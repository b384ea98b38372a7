// SPDX-License-Identifier: Apache-2.0
// Which files below a directory of data are not part of the data.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "onefold/base/status.h"

namespace onefold {

// Spark, Hive and Arrow leave out what begins with '_': "_SUCCESS", "_temporary/0/part-0.parquet",
// which holds rows that were never committed. Names of partitions are none of these: "_dt=1/a".
// `path` is relative to the directory. list_files() leaves out what begins with '.' already.
bool is_set_aside(std::string_view path);

// list_files() without what is set aside.
Result<std::vector<std::string>> list_data_files(const std::string& directory);

}  // namespace onefold
