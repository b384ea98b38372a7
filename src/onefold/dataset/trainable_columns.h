// SPDX-License-Identifier: Apache-2.0
// Which columns of somebody's data set training can read as they are.
#pragma once

#include <string>
#include <vector>

#include <arrow/type_fwd.h>

#include "onefold/dataset/group_choice.h"
#include "onefold/jagged/schema.h"

namespace onefold {

struct TrainableColumns {
  Schema schema;                          // empty when a key is missing
  std::vector<std::string> missing_keys;  // session_id, ...: no column of that name and type
};

// float32 is a dense feature, int64 an id, lists of them are lists; features of a group belong to
// the user, others to the item. kNotFound and kSchema for a label that is no float32 column.
Result<TrainableColumns> trainable_columns(const arrow::Schema& schema,
                                           const std::vector<ColumnGroup>& groups,
                                           const std::vector<std::string>& labels);

}  // namespace onefold
