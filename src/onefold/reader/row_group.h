// SPDX-License-Identifier: Apache-2.0
// RowGroup: a decoded row group on its way to becoming parts of batches.
#pragma once

#include <cstdint>
#include <vector>

#include "onefold/jagged/batch.h"

namespace onefold {

struct RowGroup {
  Batch batch;
  // hash_rows() of each group, [groups][U], so that equal rows of different row groups become
  // one row of a batch. Hashed once here and not per batch. Empty when batches are not folded, and
  // for windowed groups.
  std::vector<std::vector<uint64_t>> row_hashes;
};

RowGroup make_row_group(Batch batch, bool with_hashes);

}  // namespace onefold
