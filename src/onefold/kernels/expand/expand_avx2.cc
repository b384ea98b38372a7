// SPDX-License-Identifier: Apache-2.0
// The copy with stores that pass by the caches: an ordinary store first reads the line it is going
// to overwrite, a third of the traffic. See bench/ops/expand_bench.
#include <immintrin.h>

#include "onefold/kernels/expand/expand.h"

namespace onefold {
namespace {

void stream_copy(char* to, const char* from, int64_t bytes) {
  while (bytes > 0 && (reinterpret_cast<uintptr_t>(to) & 31) != 0) {
    *to++ = *from++;
    --bytes;
  }
  for (; bytes >= 128; bytes -= 128, to += 128, from += 128) {
    const __m256i* source = reinterpret_cast<const __m256i*>(from);
    __m256i* target = reinterpret_cast<__m256i*>(to);
    const __m256i a = _mm256_loadu_si256(source);
    const __m256i b = _mm256_loadu_si256(source + 1);
    const __m256i c = _mm256_loadu_si256(source + 2);
    const __m256i d = _mm256_loadu_si256(source + 3);
    _mm256_stream_si256(target, a);
    _mm256_stream_si256(target + 1, b);
    _mm256_stream_si256(target + 2, c);
    _mm256_stream_si256(target + 3, d);
  }
  while (bytes-- > 0) *to++ = *from++;
}

}  // namespace

void expand_avx2(const ExpandParams& params, int64_t begin, int64_t end) {
  const char* unique = static_cast<const char*>(params.unique);
  char* out = static_cast<char*>(params.out);
  for (int64_t i = begin; i < end; ++i) {
    stream_copy(out + i * params.row_bytes, unique + params.inverse_indices[i] * params.row_bytes,
                params.row_bytes);
  }
  _mm_sfence();  // streamed stores are not ordered; the caller may hand the rows to another thread
}

}  // namespace onefold
