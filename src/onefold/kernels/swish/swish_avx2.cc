// SPDX-License-Identifier: Apache-2.0
#include "onefold/kernels/simd/floats_avx2.h"
#include "onefold/kernels/swish/swish.h"
// After the Floats that it is written over.
#include "onefold/kernels/simd/first_lanes.inl"
//
#include "onefold/kernels/swish/swish_floats.inl"
// After both; the code is private to this file.
#include "onefold/kernels/swish/swish_body.inl"

namespace onefold {

void swish_avx2(const float* x, float* out, int64_t begin, int64_t end) {
  forward(x, out, begin, end);
}
void swish_backward_avx2(const float* x, const float* grad, float* out, int64_t begin,
                         int64_t end) {
  backward(x, grad, out, begin, end);
}

}  // namespace onefold
