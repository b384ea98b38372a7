// SPDX-License-Identifier: Apache-2.0
// What the two CPU bodies of id_sort share: ids to rows, sorted rows to runs.
#pragma once

#include "onefold/kernels/id_sort/id_sort.h"

namespace onefold {

// Fills params.rows.
void fill_rows(const IdSortParams& params, const Device& device);

// Fills run_offsets and counts from sorted_rows.
void fill_runs(const IdSortParams& params);

}  // namespace onefold
