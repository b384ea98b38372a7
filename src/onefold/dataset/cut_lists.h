// SPDX-License-Identifier: Apache-2.0
// cut_lists: windows on payload rows as the lists they were; merge_lists() reversed.
#pragma once

#include <memory>
#include <string>

#include <arrow/type_fwd.h>

#include "onefold/base/status.h"
#include "onefold/table/sample_refs.h"

namespace onefold {

// One list of `type` per sample: its window of `payload`, or what that has of it, or null where the
// payload row is. `where` begins the messages. kSchema when `payload` holds no lists of such
// elements, kDataLoss when a window is not of the size that a fixed one must have.
// REQUIRES: refs that were checked against the payload row group.
Result<std::shared_ptr<arrow::ChunkedArray>> cut_lists(const arrow::ChunkedArray& payload,
                                                       const SampleRefs& refs,
                                                       const std::shared_ptr<arrow::DataType>& type,
                                                       const std::string& where);

}  // namespace onefold
