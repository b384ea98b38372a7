// SPDX-License-Identifier: Apache-2.0
// Between elements and the type that a scalar body computes in. For scalar bodies and tests; files
// compiled for one instruction set have their own (simd/floats_*.h).
#pragma once

#include <bit>
#include <cstdint>

#include "onefold/kernels/simd/elements.h"

namespace onefold {

// What a scalar body accumulates in: double for double, float for everything else.
template <typename T>
struct ComputeType {
  using type = float;
};
template <>
struct ComputeType<double> {
  using type = double;
};
template <typename T>
using Compute = typename ComputeType<T>::type;

inline float to_compute(float x) { return x; }
inline double to_compute(double x) { return x; }
inline float to_compute(BFloat16 x) { return std::bit_cast<float>(uint32_t{x.bits} << 16); }
inline float to_compute(Float16 x) {
  const uint32_t sign = uint32_t{x.bits & 0x8000u} << 16;
  const uint32_t magnitude = x.bits & 0x7fffu;
  if (magnitude >= 0x7c00u) {  // infinity and NaN keep their payload
    return std::bit_cast<float>(sign | 0x7f800000u | ((magnitude & 0x3ffu) << 13));
  }
  if (magnitude < 0x400u) {  // subnormal: magnitude * 2^-24, exact in float
    const float value = static_cast<float>(magnitude) * 0x1p-24f;
    return sign != 0 ? -value : value;
  }
  return std::bit_cast<float>(sign | ((magnitude << 13) + 0x38000000u));
}

template <typename T>
T from_compute(Compute<T> x) {
  return x;
}
// Round to nearest even, as the hardware conversions do.
template <>
inline BFloat16 from_compute<BFloat16>(float x) {
  const uint32_t bits = std::bit_cast<uint32_t>(x);
  if (x != x) return {static_cast<uint16_t>((bits >> 16) | 0x40u)};
  return {static_cast<uint16_t>((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16)};
}
template <>
inline Float16 from_compute<Float16>(float x) {
  const uint32_t bits = std::bit_cast<uint32_t>(x);
  const uint16_t sign = static_cast<uint16_t>((bits >> 16) & 0x8000u);
  const float magnitude = std::bit_cast<float>(bits & 0x7fffffffu);
  if (x != x) return {static_cast<uint16_t>(sign | 0x7e00u)};
  if (magnitude >= 65520.0f) return {static_cast<uint16_t>(sign | 0x7c00u)};
  if (magnitude < 0x1p-14f) {  // adding 0.5 leaves the rounded multiple of 2^-24 in the low bits
    const uint32_t rounded = std::bit_cast<uint32_t>(magnitude + 0.5f) - 0x3f000000u;
    return {static_cast<uint16_t>(sign | rounded)};
  }
  const uint32_t m = bits & 0x7fffffffu;
  const uint32_t rounded = (m + 0xfffu + ((m >> 13) & 1u)) >> 13;
  return {static_cast<uint16_t>(sign | (rounded - 0x1c000u))};
}

}  // namespace onefold
