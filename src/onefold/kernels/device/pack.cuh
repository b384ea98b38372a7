// SPDX-License-Identifier: Apache-2.0
// Pack<T, N>: N elements moved in one access, and the float sums of their kind.
#pragma once

#include <cstdint>

#include <cuda_bf16.h>
#include <cuda_fp16.h>

namespace onefold {

template <typename T, int N>
struct alignas(sizeof(T) * N) Pack {
  T x[N];
};

// Sums are kept in float32; float64 in float64.
template <typename T>
struct SumOf {
  using type = float;
};
template <>
struct SumOf<double> {
  using type = double;
};

__device__ __forceinline__ float to_sum(float x) { return x; }
__device__ __forceinline__ double to_sum(double x) { return x; }
__device__ __forceinline__ float to_sum(__nv_bfloat16 x) { return __bfloat162float(x); }
__device__ __forceinline__ float to_sum(__half x) { return __half2float(x); }

template <typename T>
__device__ __forceinline__ T from_sum(typename SumOf<T>::type x) {
  return x;
}
template <>
__device__ __forceinline__ __nv_bfloat16 from_sum<__nv_bfloat16>(float x) {
  return __float2bfloat16_rn(x);
}
template <>
__device__ __forceinline__ __half from_sum<__half>(float x) {
  return __float2half_rn(x);
}

template <typename T, int N>
__device__ __forceinline__ void add(typename SumOf<T>::type (&sums)[N], const Pack<T, N>& pack) {
#pragma unroll
  for (int i = 0; i < N; ++i) sums[i] += to_sum(pack.x[i]);
}

template <typename T, int N>
__device__ __forceinline__ Pack<T, N> pack_sums(const typename SumOf<T>::type (&sums)[N]) {
  Pack<T, N> pack;
#pragma unroll
  for (int i = 0; i < N; ++i) pack.x[i] = from_sum<T>(sums[i]);
  return pack;
}

// Calls body(T{}) with the element type of `type`. Scalar is ScalarType; a template parameter so
// that this folder includes nothing outside itself.
template <typename Scalar, typename Body>
void with_cuda_element(Scalar type, Body&& body) {
  switch (type) {
    case Scalar::kFloat32:
      return body(float{});
    case Scalar::kFloat64:
      return body(double{});
    case Scalar::kBFloat16:
      return body(__nv_bfloat16{});
    case Scalar::kFloat16:
      return body(__half{});
  }
}

// Whether every pointer and the row pitch allow accesses of `bytes`.
inline bool aligned(int64_t bytes, int64_t row_bytes, const void* a, const void* b) {
  return row_bytes % bytes == 0 && reinterpret_cast<uintptr_t>(a) % bytes == 0 &&
         reinterpret_cast<uintptr_t>(b) % bytes == 0;
}

}  // namespace onefold
