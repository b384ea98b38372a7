// SPDX-License-Identifier: Apache-2.0
#include "onefold/table/table_file.h"

#include "onefold/base/files.h"
#include "onefold/base/hash.h"

namespace onefold {

Result<TableFile> publish_table_file(const std::string& path,
                                     const std::vector<int64_t>& row_group_rows) {
  ONEFOLD_RETURN_IF_ERROR(publish_file(path + ".tmp", path));
  TableFile file;
  file.path = path;
  file.row_group_rows = row_group_rows;
  for (int64_t rows : row_group_rows) file.num_rows += rows;
  ONEFOLD_ASSIGN_OR_RETURN(file.bytes, file_size(path));
  ONEFOLD_ASSIGN_OR_RETURN(file.xxh3, hash_file(path));
  return file;
}

}  // namespace onefold
