// SPDX-License-Identifier: Apache-2.0
// What the CPU bodies of id_sort share beside id_rows_cpu(): sorted rows to runs.
#pragma once

#include "onefold/kernels/id_sort/id_sort.h"

namespace onefold {

// Fills run_offsets and counts from sorted_rows.
void fill_runs(const IdSortParams& params);

}  // namespace onefold
