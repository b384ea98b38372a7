// SPDX-License-Identifier: Apache-2.0
#include <immintrin.h>

#include "onefold/kernels/embedding/embedding.h"
#include "onefold/kernels/simd/floats_avx2.h"

// After the Floats they are written over.
#include "onefold/kernels/simd/first_lanes.inl"
//
#include "onefold/kernels/embedding/embedding_body.inl"

namespace onefold {

void embedding_forward_avx2(const EmbeddingForwardParams& params, const BagRange& bags) {
  forward(params, bags);
}

}  // namespace onefold
