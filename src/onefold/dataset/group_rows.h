// SPDX-License-Identifier: Apache-2.0
// fold_group: a group's columns of one row group as payload rows, and where each sample finds its
// own: equal rows once, and of a windowed group lists that overlap once, too.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include <arrow/type_fwd.h>

#include "onefold/base/status.h"
#include "onefold/dataset/fold_dataset.h"
#include "onefold/table/manifest.h"

namespace onefold {

using ArrowColumns = std::vector<std::shared_ptr<arrow::ChunkedArray>>;

struct GroupRows {
  ArrowColumns payload;  // [columns of the group] each [num_payload]
  int64_t num_payload = 0;
  std::vector<int64_t> rows;             // [samples] payload row of each
  std::vector<int64_t> starts, lengths;  // [samples] windowed groups; else empty
};

// Types of a group's payload columns: the source's, of a windowed group those that windows need.
std::shared_ptr<arrow::Field> payload_field(const ColumnGroup& group,
                                            const std::shared_ptr<arrow::Field>& source);

// `owners`: of each sample, windows are looked for among one owner's rows; not used by an exact
// group. Adds to the counts. kUnsupported for more values than windows can count.
Result<GroupRows> fold_group(const arrow::Table& rows, std::span<const int32_t> owners,
                             FoldedGroup& folded, GroupStats& stats);

}  // namespace onefold
