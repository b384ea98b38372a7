// SPDX-License-Identifier: Apache-2.0
// Transforms on jagged features: each row on its own, deterministic, so that running them on the
// unique rows of a group gives what running them on every sample would (RecD O4).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "onefold/base/status.h"
#include "onefold/jagged/batch.h"

namespace onefold {

struct FeatureTransform {
  enum class Kind {
    kHash,      // ids: id -> hash64(id, seed) mod `size`
    kTruncate,  // lists: the last `size` values (the newest: lists are oldest first)
  };
  std::string feature;
  Kind kind = Kind::kHash;
  int64_t size = 0;
  uint64_t seed = 0;
};

// Applies all transforms, in order, to a batch. "item_id", the candidate's id, may be hashed like
// a feature. kNotFound for a feature that the batch does not have, kSchema for hashing floats,
// kInvalidArgument for size <= 0. A windowed group stays windowed when its features are truncated
// to one size or not at all; otherwise its rows are cut.
//
//   history [3,4,5] [9]   truncate 2:    [4,5] [9]
//                         hash to 1000:  [hash64(3) % 1000, ...]
Status apply_transforms(const std::vector<FeatureTransform>& transforms, Batch& batch);

// The same checks before any data is read, against the schema of the batches to come; also kSchema
// for transforming a dense feature or truncating item_id.
Status check_transforms(const std::vector<FeatureTransform>& transforms, const Schema& schema);

}  // namespace onefold
