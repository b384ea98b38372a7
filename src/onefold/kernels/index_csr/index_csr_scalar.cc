// SPDX-License-Identifier: Apache-2.0
// Counting sort. offsets[r + 1] serves as row r's write position while members are placed, which
// leaves it at the row's end: no second array.
#include "onefold/kernels/index_csr/index_csr.h"

namespace onefold {

void index_csr_scalar(const IndexCsrParams& params) {
  int32_t* offsets = params.offsets;
  for (int64_t r = 0; r <= params.num_rows; ++r) offsets[r] = 0;
  // Row r's size goes two places up, so that after the sum offsets[r + 1] is where row r begins.
  for (int64_t i = 0; i < params.num_entries; ++i) {
    const int64_t row = params.index[i];
    if (row + 2 <= params.num_rows) ++offsets[row + 2];
  }
  for (int64_t r = 1; r <= params.num_rows; ++r) offsets[r] += offsets[r - 1];
  for (int64_t i = 0; i < params.num_entries; ++i) {
    params.members[offsets[params.index[i] + 1]++] = static_cast<int32_t>(i);
  }
}

}  // namespace onefold
