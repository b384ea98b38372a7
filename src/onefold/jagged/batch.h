// SPDX-License-Identifier: Apache-2.0
// Batch: B samples with everything the model sees. The common currency of the pipeline: build/
// makes Batches, a table stores one per row group, reader/ hands them to the trainer.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "onefold/jagged/inverse_keyed_jagged_tensor.h"
#include "onefold/jagged/schema.h"

namespace onefold {

// Named float columns over B samples, row major.
struct DenseColumns {
  std::vector<std::string> names;  // [F]
  std::vector<float> values;       // [B * F], values[i * F + f]; NaN means missing

  bool operator==(const DenseColumns& other) const;  // bit for bit
};

struct FeatureGroup {
  std::string name;
  InverseKeyedJaggedTensor features;

  bool operator==(const FeatureGroup&) const = default;
};

struct Batch {
  std::vector<int64_t> session_id;   // [B]
  std::vector<int64_t> user_id;      // [B]
  std::vector<int64_t> request_id;   // [B]
  std::vector<int64_t> item_id;      // [B]
  std::vector<int64_t> time_us;      // [B] request time, microseconds since 1970 UTC
  DenseColumns dense;                // [B, F]
  DenseColumns labels;               // [B, T]
  KeyedJaggedTensor features;        // per-sample jagged features, B rows
  std::vector<FeatureGroup> groups;  // one IKJT per group, each over the B samples

  int64_t num_samples() const { return static_cast<int64_t>(session_id.size()); }
  const FeatureGroup* find_group(const std::string& name) const;  // nullptr if absent

  bool operator==(const Batch&) const = default;
};

// Samples picked by `indices` (repeats allowed), in that order; each group keeps only the unique
// rows still used. REQUIRES: 0 <= indices[i] < batch.num_samples().
Batch select_samples(const Batch& batch, std::span<const int32_t> indices);

// `parts` one after another; a group's unique rows are not compared across parts.
// REQUIRES: at least one part; the same columns in every part (CheckError).
Batch concatenate(std::span<const Batch> parts);

// Every group expanded to one row per sample (U == B): the batch `--dedup off` trains on.
Batch unfolded(const Batch& batch);

// Every group folded across all its rows: the smallest U. Windowed groups become exact ones.
Batch refolded(const Batch& batch);

// Throws CheckError unless all columns have B rows, names and kinds follow `schema`, and rows of
// kId features hold at most one id.
void check_batch(const Batch& batch, const Schema& schema);

}  // namespace onefold
