// SPDX-License-Identifier: Apache-2.0
// generate_embeddings: one version of user embeddings from a trained user encoder and timelines.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "onefold/base/status.h"
#include "onefold/embedding_store/version_info.h"

namespace onefold {

struct GenerateProgress {
  int64_t users = 0;        // looked at, with those that an earlier, killed run had done
  int64_t total_users = 0;  // to look at
  double seconds = 0;
};

struct GenerateOptions {
  std::string checkpoint;  // as UserEmbedder::load()
  std::string timelines;   // directory
  std::string store;       // directory of versions, made if need be
  // Events before this time count, microseconds since 1970 UTC. Default: all there are.
  std::optional<int64_t> as_of_us;
  EmbeddingFormat format = EmbeddingFormat::kInt4;
  // A version of the store: only users with events since the timelines it was made from; all
  // others are found in it. Empty: all users.
  std::string changed_since;
  // Newest events per user; by default what the encoder was trained with.
  std::optional<int64_t> max_explicit, max_implicit;
  int64_t batch_users = 256;
  int64_t batch_events = 1 << 19;  // a batch ends after so many, so that memory is bounded
  int64_t part_users = 65536;      // users per file: what a kill can cost at most
  int threads = 0;                 // up to 1024; 0: libtorch's choice
  std::function<void(const GenerateProgress&)> on_progress;  // after every batch
};

struct GenerateReport {
  VersionInfo version;
  int64_t users = 0;           // in the version
  int64_t resumed_users = 0;   // of them, made by an earlier run that did not finish
  int64_t without_events = 0;  // left out: no event before as_of; consumers use their default
  int64_t events = 0;          // pooled by this run
  double seconds = 0;          // all of it, and of that:
  double load_seconds = 0;     // the checkpoint
  double read_seconds = 0;     // reading timelines
  double encode_seconds = 0;   // masks, pooling, encoder
};

// Streams the users in order; the version exists once the last is done. Killed at any moment, the
// same call goes on where it was (VersionWriter), as long as timelines and options are the same.
// kSchema when `changed_since` was made by another model or with another shape; kNotFound when its
// timelines have been rebuilt since: then all users changed.
Result<GenerateReport> generate_embeddings(const GenerateOptions& options);

}  // namespace onefold
