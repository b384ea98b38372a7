// SPDX-License-Identifier: Apache-2.0
// RedisTarget: serves user embeddings online from any server that speaks the Redis protocol.
//
//   PREFIX:v000002:USER   one user's words, little endian: tokens * words_per_row * 8 bytes
//   PREFIX:live           "v000002,v000001": the live version and the bases to fall back to
//   PREFIX:format         JSON: embedding format, tokens, dim; what a client needs to decode
//
// A client reads PREFIX:live now and then, and per user one MGET over that chain; the first answer
// that is there counts. Loading writes keys that nobody reads yet; set_live() switches all clients
// by one SET, so no version is ever half visible. Keys of versions that left the chain expire.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "onefold/base/status.h"
#include "onefold/embedding_store/version_reader.h"

namespace onefold {

struct RedisOptions {
  // "redis://host:port/db" (port and db optional) or "unix:///path/to/socket".
  std::string url;
  std::string prefix = "onefold";
  int timeout_ms = 5000;
  int pipeline_users = 1024;  // commands in flight before replies are read
};

class RedisTarget {
 public:
  // kInvalidArgument for a malformed URL, kIoError when the server cannot be reached, kUnsupported
  // in a build without hiredis.
  static Result<std::unique_ptr<RedisTarget>> connect(const RedisOptions& options);
  virtual ~RedisTarget() = default;

  // Writes the users that `version` holds itself, unless they were loaded completely before.
  // Returns the number of users written. A version loaded before never expires while it is live.
  virtual Result<int64_t> load(VersionReader& version) = 0;

  // Makes `version` (loaded, as its bases must be) live.
  virtual Status set_live(VersionReader& version) = 0;

  // Lets the keys of `version` expire in `seconds`. Returns how many keys there were.
  virtual Result<int64_t> expire(VersionReader& version, int64_t seconds) = 0;

  // The live chain, newest first; empty when nothing is live.
  virtual Result<std::vector<std::string>> live() = 0;

  // One user's words as an online client sees them.
  virtual Result<std::optional<std::vector<int64_t>>> lookup(int64_t user_id) = 0;
};

}  // namespace onefold
