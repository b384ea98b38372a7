// SPDX-License-Identifier: Apache-2.0
// Element types for scalar bodies and tests: how a stored value becomes the number sums are kept in
// and back. Not for per-ISA files (see kernels/README.md).
#pragma once

#include <bit>
#include <cstdint>

#include "onefold/kernels/device.h"

namespace onefold {

inline float bfloat16_to_float(uint16_t bits) {
  return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16);
}

// Round to nearest, ties to even; NaN stays NaN.
inline uint16_t float_to_bfloat16(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  if (value != value) return static_cast<uint16_t>((bits >> 16) | 0x40);
  return static_cast<uint16_t>((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

// g++ 12 has _Float16 for every x86-64: one instruction with F16C, a library call without.
inline float float16_to_float(uint16_t bits) {
  return static_cast<float>(std::bit_cast<_Float16>(bits));
}
inline uint16_t float_to_float16(float value) {
  return std::bit_cast<uint16_t>(static_cast<_Float16>(value));
}

template <ScalarType>
struct Element;

template <>
struct Element<ScalarType::kFloat32> {
  using Storage = float;
  using Sum = float;
  static float load(float x) { return x; }
  static float store(float x) { return x; }
};

template <>
struct Element<ScalarType::kFloat64> {
  using Storage = double;
  using Sum = double;
  static double load(double x) { return x; }
  static double store(double x) { return x; }
};

template <>
struct Element<ScalarType::kBFloat16> {
  using Storage = uint16_t;
  using Sum = float;
  static float load(uint16_t x) { return bfloat16_to_float(x); }
  static uint16_t store(float x) { return float_to_bfloat16(x); }
};

template <>
struct Element<ScalarType::kFloat16> {
  using Storage = uint16_t;
  using Sum = float;
  static float load(uint16_t x) { return float16_to_float(x); }
  static uint16_t store(float x) { return float_to_float16(x); }
};

// Calls body(Element<type>{}).
template <typename Body>
void with_element(ScalarType type, Body&& body) {
  switch (type) {
    case ScalarType::kFloat32:
      return body(Element<ScalarType::kFloat32>{});
    case ScalarType::kFloat64:
      return body(Element<ScalarType::kFloat64>{});
    case ScalarType::kBFloat16:
      return body(Element<ScalarType::kBFloat16>{});
    case ScalarType::kFloat16:
      return body(Element<ScalarType::kFloat16>{});
  }
}

}  // namespace onefold
