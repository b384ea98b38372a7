// SPDX-License-Identifier: Apache-2.0
#include "onefold/kernels/simd/floats_avx512.h"
#include "onefold/kernels/window_pool/window_pool.h"
// The body is one for all levels; its code is private to this file.
#include "onefold/kernels/window_pool/window_pool_body.inl"

namespace onefold {

void window_pool_avx512(const WindowPool& shape, const float* values, double* prefix, float* pooled,
                        int64_t begin, int64_t end) {
  pool_rows(shape, values, prefix, pooled, begin, end);
}

void window_pool_backward_avx512(const WindowPool& shape, const float* grad_pooled,
                                 float* grad_values, int64_t begin, int64_t end) {
  spread_rows(shape, grad_pooled, grad_values, begin, end);
}

}  // namespace onefold
