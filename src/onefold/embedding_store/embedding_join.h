// SPDX-License-Identifier: Apache-2.0
// EmbeddingJoin: for each sample the embedding of its user that was live at the sample's time.
//
//   history   v1 from 100, v2 from 200              samples   user 7 at 150   user 7 at 210   user
//   8 at 90 joined    words of (7, v1)  (7, v2)  none       none: an empty row
//
// Training sees what serving had: a version counts from the moment it was published, whatever was
// generated or rolled back later.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "onefold/base/status.h"
#include "onefold/embedding_store/version_info.h"
#include "onefold/jagged/inverse_keyed_jagged_tensor.h"
#include "onefold/jagged/schema.h"
#include "onefold/table/manifest.h"

namespace onefold {

// The feature group that a join adds, and its one feature: an id_list, the words of one user.
inline constexpr const char* kUserEmbedding = "user_embedding";
inline constexpr const char* kUserEmbeddingWords = "user_embedding_words";

// The schema with that group at its end. kSchema when the name is taken: the table holds user
// embeddings already.
Result<Schema> with_user_embedding(Schema schema);

struct EmbeddingJoinOptions {
  // Samples' times lie in [from_us, to_us]. All versions live in it must be of one model.
  int64_t from_us = std::numeric_limits<int64_t>::min();
  int64_t to_us = std::numeric_limits<int64_t>::max();
  int64_t cache_bytes = int64_t{256} << 20;  // of decoded row groups
};

// Each sample is counted in at most one.
struct EmbeddingJoinCounts {
  int64_t samples = 0;
  int64_t unknown_users = 0;  // whose user the live version does not have
  int64_t before_first = 0;   // before the first publication
};

class EmbeddingJoin {
 public:
  // kNotFound when there is no store or none of its versions is published. kSchema when versions
  // live in the interval differ in upstream model, slices, shape or format: vectors of different
  // models must not meet in one table.
  static Result<std::unique_ptr<EmbeddingJoin>> open(const std::string& store,
                                                     const EmbeddingJoinOptions& options = {});
  virtual ~EmbeddingJoin() = default;

  // The versions live in the interval, oldest first; never empty.
  virtual const std::vector<JoinedEmbedding>& versions() const = 0;

  // The group kUserEmbedding over B samples, folded: one row per different (user, version), fewer
  // where their words are equal. Users are looked up in ascending order, so that a call decodes a
  // row group of a version at most once while `cache_bytes` hold one. Thread safe; calls queue up.
  // REQUIRES: times in the interval.
  virtual Result<InverseKeyedJaggedTensor> join(std::span<const int64_t> user_ids,       // [B]
                                                std::span<const int64_t> times_us) = 0;  // [B]

  virtual EmbeddingJoinCounts counts() const = 0;
};

}  // namespace onefold
