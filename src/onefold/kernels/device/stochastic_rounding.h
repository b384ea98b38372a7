// SPDX-License-Identifier: Apache-2.0
// Rounding to 16 bits that is right on average: x between two neighbours goes up with probability
// (x - lower) / (upper - lower). Updates smaller than half a step then still move a weight in the
// long run, where rounding to nearest would lose every one of them.
//
// The random bits are a function of (seed, step, element), so a step gives the same result in every
// run, on the CPU and on CUDA.
#pragma once

#include <cstdint>
#include <cstring>

#include "onefold/kernels/device/host_device.h"

namespace onefold {

// 32 random bits: the finalizer of SplitMix64 (Steele, Lea, Flood 2014) over a counter.
ONEFOLD_HOST_DEVICE uint32_t rounding_bits(uint64_t seed, uint64_t step, uint64_t element) {
  uint64_t x = seed + step * 0x9e3779b97f4a7c15u + element * 0xd1342543de82ef95u;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return static_cast<uint32_t>(x >> 32) ^ static_cast<uint32_t>(x);
}

ONEFOLD_HOST_DEVICE uint32_t float_bits(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof(bits));
  return bits;
}

// The bits of a bfloat16. Infinities and NaN stay what they are.
ONEFOLD_HOST_DEVICE uint16_t bfloat16_stochastic(float value, uint32_t random) {
  uint32_t bits = float_bits(value);
  const bool finite = (bits & 0x7f800000u) != 0x7f800000u;
  if (finite) bits += random & 0xffffu;
  return static_cast<uint16_t>((bits >> 16) | (value != value ? 0x40u : 0u));
}

// The bits of an IEEE half. Beyond 65504 it becomes infinite.
ONEFOLD_HOST_DEVICE uint16_t float16_stochastic(float value, uint32_t random) {
  const uint32_t bits = float_bits(value);
  const uint16_t sign = static_cast<uint16_t>((bits >> 16) & 0x8000u);
  const uint32_t magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u) return static_cast<uint16_t>(sign | 0x7e00u);  // NaN
  if (magnitude < 0x38800000u) {
    // Below 2^-14 the steps are 2^-24, which halves store as integers.
    float units = value < 0 ? -value : value;
    units *= 16777216.0f;
    const uint32_t lower = static_cast<uint32_t>(units);
    const float fraction = units - static_cast<float>(lower);
    const bool up = static_cast<float>(random >> 8) < fraction * 16777216.0f;
    return static_cast<uint16_t>(sign | (lower + (up ? 1u : 0u)));
  }
  const uint32_t rounded = magnitude + (random & 0x1fffu);  // 13 bits are dropped
  if (rounded >= 0x47800000u) return static_cast<uint16_t>(sign | 0x7c00u);
  return static_cast<uint16_t>(sign | ((rounded - 0x38000000u) >> 13));
}

}  // namespace onefold
