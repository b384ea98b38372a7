// SPDX-License-Identifier: Apache-2.0
#include "onefold/jagged/fold_counts.h"

namespace onefold {

FoldCounts count_fold(const InverseKeyedJaggedTensor& features) {
  FoldCounts counts;
  std::vector<int64_t> samples_of(features.num_unique(), 0);
  for (const int32_t row : features.inverse_indices()) ++samples_of[row];
  for (int64_t k = 0; k < features.payload().num_keys(); ++k) {
    const JaggedColumn& column = features.payload().column(k);
    counts.stored_values += num_values(column);
    for (int64_t u = 0; u < features.num_unique(); ++u) {
      const int64_t size = features.is_windowed()
                               ? window_values(features.windows(), u, column).size()
                               : length(column, u);
      counts.sample_values += samples_of[u] * size;
    }
  }
  return counts;
}

}  // namespace onefold
