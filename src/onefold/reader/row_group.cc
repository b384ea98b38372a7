// SPDX-License-Identifier: Apache-2.0
#include "onefold/reader/row_group.h"

#include <utility>

#include "onefold/jagged/fold.h"

namespace onefold {

RowGroup make_row_group(Batch batch, bool with_hashes) {
  RowGroup row_group{std::move(batch), {}};
  if (!with_hashes) return row_group;
  for (const FeatureGroup& group : row_group.batch.groups) {
    row_group.row_hashes.push_back(group.features.is_windowed()
                                       ? std::vector<uint64_t>()
                                       : hash_rows(group.features.unique()));
  }
  return row_group;
}

}  // namespace onefold
