// SPDX-License-Identifier: Apache-2.0
// measure: folds, and merges, features of a SessionSample as a table or a batch would.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "onefold/advise/session_sample.h"

namespace onefold {

// What is folded together: samples [begins[i], begins[i + 1]) of `order`, or of the sample.
struct Chunks {
  std::vector<int64_t> begins;
  std::vector<int32_t> order = {};

  int64_t sample(int64_t i) const { return order.empty() ? i : order[i]; }
};

Chunks request_chunks(const SessionSample& sample);  // REQUIRES: requests are known
// Whole sessions while they fit into `max_samples`, as a table's row groups.
Chunks session_chunks(const SessionSample& sample, int64_t max_samples);
// Batches of whole sessions in random order, as a reader hands them out.
Chunks batch_chunks(const SessionSample& sample, int64_t batch_size);

struct Measured {
  int64_t sample_values = 0;  // over all samples
  int64_t unique_values = 0;  // of each chunk's distinct rows
  int64_t stored_values = 0;  // windowed: of its payload rows; else unique_values
  // Bytes of the same, by the features' widths.
  int64_t sample_bytes = 0;
  int64_t stored_bytes = 0;
};

// `features` of the sample as one group. Windowed, rows of one user are merged (merge_rows.h).
// `value_bytes`: width of a value of each feature of the sample.
Measured measure(const SessionSample& sample, std::span<const int> features,
                 std::span<const int> value_bytes, const Chunks& chunks, bool windowed);

}  // namespace onefold
