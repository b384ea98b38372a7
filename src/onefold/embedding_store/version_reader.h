// SPDX-License-Identifier: Apache-2.0
// VersionReader: users' embeddings of one version, looked up one by one or streamed in order.
// A user that the version does not hold itself is found in its base, or the base's base.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "onefold/base/lru_cache.h"
#include "onefold/base/status.h"
#include "onefold/embedding_store/embedding_store.h"
#include "onefold/jagged/jagged_tensor.h"

namespace onefold {

// One row group of one version, decoded.
struct EmbeddingRows {
  std::vector<int64_t> users;  // ascending
  JaggedTensor<int64_t> words;
};

// Row groups by (version id, number), with the bytes they take as cost. Not thread safe: readers
// that share one are used one at a time.
using EmbeddingCache = LruCache<std::pair<std::string, size_t>, const EmbeddingRows>;

class VersionReader {
 public:
  static Result<std::unique_ptr<VersionReader>> open(const EmbeddingStore& store,
                                                     const std::string& id);
  // Several versions of one store, whose bases are often the same, with one budget.
  static Result<std::unique_ptr<VersionReader>> open(const EmbeddingStore& store,
                                                     const std::string& id,
                                                     std::shared_ptr<EmbeddingCache> cache);
  virtual ~VersionReader() = default;

  virtual const VersionInfo& info() const = 0;

  // The user's words [words_per_user], or nullopt for an unknown user. Decodes one row group and
  // keeps it in the cache (one per base where none is given), so that ascending look-ups read each
  // row group once.
  virtual Result<std::optional<std::vector<int64_t>>> lookup(int64_t user_id) = 0;

  // Every user of the version and its bases once, ascending, with the newest words.
  using Visit = std::function<Status(int64_t user_id, std::span<const int64_t> words)>;
  virtual Status scan(const Visit& visit) = 0;
  // Only the users that this version holds itself.
  virtual Status scan_own(const Visit& visit) = 0;
  // The version, its base, the base's base, ...: where a user is looked for, in this order.
  virtual std::vector<std::string> chain() const = 0;
};

}  // namespace onefold
