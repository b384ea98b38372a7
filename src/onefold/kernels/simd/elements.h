// SPDX-License-Identifier: Apache-2.0
// 16-bit element types as bit patterns. Types only, no functions: files that are compiled for one
// instruction set may include it.
#pragma once

#include <cstdint>

namespace onefold {

struct BFloat16 {
  uint16_t bits;  // the upper half of a float
};

struct Float16 {
  uint16_t bits;  // IEEE binary16
};

}  // namespace onefold
