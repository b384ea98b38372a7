// SPDX-License-Identifier: Apache-2.0
// swish and its gradient, element by element (swish_math.h has the formula). On the CPU only.
#pragma once

#include <cstdint>

#include "onefold/kernels/device.h"

namespace onefold {

// out[i] = swish(x[i]). float32 or float64; a value's bits do not depend on its place.
void swish(const Device& device, ScalarType type, const void* x, void* out, int64_t size);

// out[i] = grad[i] * swish'(x[i])
void swish_backward(const Device& device, ScalarType type, const void* x, const void* grad,
                    void* out, int64_t size);

// Bodies, on elements [begin, end).
void swish_scalar(ScalarType type, const void* x, void* out, int64_t begin, int64_t end);
void swish_backward_scalar(ScalarType type, const void* x, const void* grad, void* out,
                           int64_t begin, int64_t end);
void swish_avx2(const float* x, float* out, int64_t begin, int64_t end);
void swish_backward_avx2(const float* x, const float* grad, float* out, int64_t begin, int64_t end);
void swish_avx512(const float* x, float* out, int64_t begin, int64_t end);
void swish_backward_avx512(const float* x, const float* grad, float* out, int64_t begin,
                           int64_t end);

}  // namespace onefold
