// SPDX-License-Identifier: Apache-2.0
#include "onefold/kernels/folded_attention/folded_attention.h"
#include "onefold/kernels/simd/floats_avx512.h"
#include "onefold/kernels/simd/small_matrix.inl"
// The body is one for all levels; its code is private to this file.
#include "onefold/kernels/folded_attention/folded_attention_body.inl"

namespace onefold {

void folded_attention_avx512(const FoldedAttention& shape, const void* query, const void* key,
                             const void* value, void* output, float* logsumexp, int64_t begin,
                             int64_t end) {
  forward_items(shape, query, key, value, output, logsumexp, begin, end);
}

void folded_attention_backward_avx512(const FoldedAttention& shape,
                                      const FoldedAttentionGradient& tensors, int64_t begin,
                                      int64_t end) {
  backward_items(shape, tensors, begin, end);
}

}  // namespace onefold
