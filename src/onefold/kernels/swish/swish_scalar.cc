// SPDX-License-Identifier: Apache-2.0
#include "onefold/kernels/swish/swish.h"
#include "onefold/kernels/swish/swish_math.h"

namespace onefold {
namespace {

template <typename T>
void forward(const T* x, T* out, int64_t begin, int64_t end) {
  for (int64_t i = begin; i < end; ++i) out[i] = swish(x[i]);
}

template <typename T>
void backward(const T* x, const T* grad, T* out, int64_t begin, int64_t end) {
  for (int64_t i = begin; i < end; ++i) out[i] = grad[i] * swish_slope(algebraic_sign(x[i]));
}

}  // namespace

void swish_scalar(ScalarType type, const void* x, void* out, int64_t begin, int64_t end) {
  if (type == ScalarType::kFloat64) {
    return forward(static_cast<const double*>(x), static_cast<double*>(out), begin, end);
  }
  forward(static_cast<const float*>(x), static_cast<float*>(out), begin, end);
}

void swish_backward_scalar(ScalarType type, const void* x, const void* grad, void* out,
                           int64_t begin, int64_t end) {
  if (type == ScalarType::kFloat64) {
    return backward(static_cast<const double*>(x), static_cast<const double*>(grad),
                    static_cast<double*>(out), begin, end);
  }
  backward(static_cast<const float*>(x), static_cast<const float*>(grad), static_cast<float*>(out),
           begin, end);
}

}  // namespace onefold
