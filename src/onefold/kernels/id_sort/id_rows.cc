// SPDX-License-Identifier: Apache-2.0
#include "onefold/kernels/id_sort/id_rows.h"

#include <algorithm>

namespace onefold {
namespace {

constexpr int64_t kGrainIds = 1 << 14;

}  // namespace

void id_rows_cpu(const IdSortParams& params, const Device& device) {
  parallel_for(device, params.num_ids, kGrainIds, [&](int64_t begin, int64_t end) {
    int64_t first_id = 0;
    for (int64_t f = 0; f < params.num_features; ++f) {
      const TableIds& feature = params.features[f];
      const int64_t last = std::min(end - first_id, feature.num_ids);
      int32_t* rows = params.rows + first_id;
      for (int64_t i = std::max<int64_t>(begin - first_id, 0); i < last; ++i) {
        const bool inside = static_cast<uint64_t>(feature.ids[i]) <
                            static_cast<uint64_t>(feature.num_rows);  // negative ids wrap past it
        rows[i] = inside ? static_cast<int32_t>(feature.first_row + feature.ids[i]) : -1;
      }
      first_id += feature.num_ids;
    }
  });
}

void fill_runs(const IdSortParams& params) {
  int32_t num_runs = 0;
  int64_t i = 0;
  for (; i < params.num_ids && params.sorted_rows[i] < params.total_rows; ++i) {
    if (i == 0 || params.sorted_rows[i] != params.sorted_rows[i - 1]) {
      params.run_offsets[num_runs++] = static_cast<int32_t>(i);
    }
  }
  params.run_offsets[num_runs] = static_cast<int32_t>(i);
  params.counts[0] = num_runs;
  params.counts[1] = static_cast<int32_t>(params.num_ids - i);
}

}  // namespace onefold
