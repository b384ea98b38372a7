// SPDX-License-Identifier: Apache-2.0
// Which files an import reads.
#pragma once

#include <string>
#include <vector>

#include "onefold/base/status.h"

namespace onefold {

enum class RowFormat { kParquet, kCsv, kJsonLines };

// The files that `paths` name: directories are replaced by their files of `format`, sorted.
// kNotFound for a path that does not exist and for a directory without such files;
// kInvalidArgument for a file of another name.
Result<std::vector<std::string>> find_row_files(const std::vector<std::string>& paths,
                                                RowFormat format);

}  // namespace onefold
