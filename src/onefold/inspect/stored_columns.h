// SPDX-License-Identifier: Apache-2.0
// Bytes on disk per column, out of the footers of Parquet files.
#pragma once

#include <string>
#include <vector>

#include "onefold/base/status.h"
#include "onefold/inspect/report.h"

namespace onefold {

struct StoredFile {
  std::string kind;  // StoredColumn::file
  std::string path;
};

// One entry per kind and top-level column, summed over the files, largest first. kNotFound and
// kDataLoss name the file.
Result<std::vector<StoredColumn>> stored_columns(const std::vector<StoredFile>& files);

}  // namespace onefold
