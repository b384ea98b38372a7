// SPDX-License-Identifier: Apache-2.0
#include <immintrin.h>

#include "onefold/kernels/embedding/embedding.h"
#include "onefold/kernels/simd/floats_avx512.h"

// After the Floats they are written over.
#include "onefold/kernels/simd/first_lanes.inl"
//
#include "onefold/kernels/embedding/embedding_update_body.inl"

namespace onefold {

void embedding_update_avx512(const EmbeddingUpdateParams& params, int64_t begin, int64_t end,
                             float* sums) {
  update(params, begin, end, sums);
}

}  // namespace onefold
