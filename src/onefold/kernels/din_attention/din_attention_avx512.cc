// SPDX-License-Identifier: Apache-2.0
#include "onefold/kernels/din_attention/din_attention.h"
#include "onefold/kernels/simd/floats_avx512.h"
#include "onefold/kernels/simd/small_matrix.inl"
#include "onefold/kernels/swish/swish_floats.inl"
// The body is one for all levels; its code is private to this file.
#include "onefold/kernels/din_attention/din_attention_body.inl"

namespace onefold {

void din_attention_avx512(const DinShape& shape, const DinInputs& inputs, float* out,
                          const DinRange& places, float* scratch) {
  forward_places(shape, inputs, out, places, scratch);
}

void din_attention_backward_avx512(const DinShape& shape, const DinInputs& inputs,
                                   const DinGradients& gradients, float* sums, const DinRange& rows,
                                   float* scratch) {
  backward_rows(shape, inputs, gradients, sums, rows, scratch);
}

}  // namespace onefold
