// SPDX-License-Identifier: Apache-2.0
// The groups of a batch as windows on merged payload rows, where the schema says so.
#pragma once

#include "onefold/jagged/batch.h"

namespace onefold {

// Merges the rows of each windowed group (merge_rows.h), one user's together; the other groups, and
// those that are windowed already, are as before. Expands to the same samples.
Batch with_windows(Batch batch, const Schema& schema);

}  // namespace onefold
