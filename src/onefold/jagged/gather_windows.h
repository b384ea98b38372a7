// SPDX-License-Identifier: Apache-2.0
// gather_windows: samples of windowed groups, as one windowed group.
#pragma once

#include <cstdint>
#include <span>

#include "onefold/jagged/inverse_keyed_jagged_tensor.h"

namespace onefold {

// Sample `sample` of tensor `tensor`.
struct SampleOfTensor {
  int32_t tensor = 0;
  int32_t sample = 0;
};

// The samples in that order, repeats allowed. Equal windows of one payload row become one; payload
// rows that no sample uses are left out, the others cut to what lies between the first and the last
// value used. Windows of different tensors are not compared.
// REQUIRES: at least one tensor, all windowed, of the same keys (CheckError).
InverseKeyedJaggedTensor gather_windows(std::span<const InverseKeyedJaggedTensor* const> tensors,
                                        std::span<const SampleOfTensor> samples);

// The IKJT of samples that are windows of `payload` rows, in any order and with unused rows: sample
// i is values [starts[i], starts[i] + lengths[i]) of row rows[i]. Equal windows become one, unused
// payload rows are left out. kDataLoss when a window leaves its row.
Result<InverseKeyedJaggedTensor> from_windows(KeyedJaggedTensor payload,
                                              std::span<const int32_t> rows,
                                              std::span<const int64_t> starts,
                                              std::span<const int64_t> lengths);

}  // namespace onefold
