// SPDX-License-Identifier: Apache-2.0
#include "onefold/kernels/multi_slice_pool/multi_slice_pool.h"
#include "onefold/kernels/simd/floats_avx2.h"
// The body is one for all levels; its code is private to this file.
#include "onefold/kernels/multi_slice_pool/multi_slice_pool_body.inl"

namespace onefold {

void multi_slice_cells_avx2(const SliceEvents& events, const SliceCells& cells, float* cell_sums,
                            float* cell_weights, int64_t begin, int64_t end) {
  add_items(events, cells, cell_sums, cell_weights, begin, end);
}

}  // namespace onefold
