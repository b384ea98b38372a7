// SPDX-License-Identifier: Apache-2.0
#include <immintrin.h>

#include "onefold/kernels/expand/expand.h"
#include "onefold/kernels/simd/floats_avx512.h"

// After the Floats they are written over.
#include "onefold/kernels/simd/first_lanes.inl"
//
#include "onefold/kernels/expand/expand_backward_body.inl"

namespace onefold {

void expand_backward_avx512(const ExpandBackwardParams& params, const ExpandBackwardRange& range) {
  backward(params, range);
}

}  // namespace onefold
