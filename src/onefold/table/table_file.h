// SPDX-License-Identifier: Apache-2.0
// The last step of writing any file of a table.
#pragma once

#include <string>
#include <vector>

#include "onefold/base/status.h"
#include "onefold/table/manifest.h"

namespace onefold {

// Gives the finished file at PATH.tmp its name, and describes it for the manifest; TableFile::path
// is `path` as given.
Result<TableFile> publish_table_file(const std::string& path,
                                     const std::vector<int64_t>& row_group_rows);

}  // namespace onefold
