// SPDX-License-Identifier: Apache-2.0
// FoldCounts: how many list values folding saves.
#pragma once

#include <cstdint>

#include "onefold/jagged/inverse_keyed_jagged_tensor.h"

namespace onefold {

// Over all keys of a group.
struct FoldCounts {
  int64_t sample_values = 0;  // of one copy per sample
  int64_t stored_values = 0;  // of the unique rows, or of the payload rows of windows
};

FoldCounts count_fold(const InverseKeyedJaggedTensor& features);

}  // namespace onefold
