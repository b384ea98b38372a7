// SPDX-License-Identifier: Apache-2.0
// gather: a batch out of runs of samples of several row groups, each value copied once.
#pragma once

#include <span>

#include "onefold/reader/session_window.h"

namespace onefold {

// The samples of `runs`, in that order, as one Batch; `runs[i].row_group` indexes `row_groups`.
//
// With `fold`, each group is folded across the whole batch: equal rows of different row groups or
// sessions become one, so U is the smallest there is, whatever the row groups were. Windowed groups
// stay windowed, and windows of different row groups are not compared. Without `fold`, U == B.
// REQUIRES: row groups of one table, at least one; with `fold`, with row_hashes.
Batch gather(std::span<const RowGroup* const> row_groups, std::span<const RowRange> runs,
             bool fold);

}  // namespace onefold
