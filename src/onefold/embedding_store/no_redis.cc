// SPDX-License-Identifier: Apache-2.0
// RedisTarget in a build without hiredis: the absence is a message, not a missing symbol.
#include "onefold/embedding_store/redis_target.h"

namespace onefold {

Result<std::unique_ptr<RedisTarget>> RedisTarget::connect(const RedisOptions&) {
  return unsupported("this build has no Redis client; install libhiredis-dev and build again");
}

}  // namespace onefold
