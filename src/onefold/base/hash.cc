// SPDX-License-Identifier: Apache-2.0
#include "onefold/base/hash.h"

#define XXH_INLINE_ALL  // header-only use of the system's xxhash.h: nothing to link
#include <cerrno>
#include <cstdio>
#include <memory>
#include <vector>

#include <fmt/format.h>
#include <xxhash.h>

#include "onefold/base/files.h"

namespace onefold {

uint64_t hash64(const void* data, size_t size, uint64_t seed) {
  return XXH3_64bits_withSeed(data, size, seed);
}

Result<std::string> hash_file(const std::string& path) {
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"),
                                                       &std::fclose);
  if (!file) return os_error(path, errno);
  std::unique_ptr<XXH3_state_t, XXH_errorcode (*)(XXH3_state_t*)> state(XXH3_createState(),
                                                                        &XXH3_freeState);
  XXH3_64bits_reset(state.get());
  std::vector<char> block(1 << 20);
  while (size_t size = std::fread(block.data(), 1, block.size(), file.get())) {
    XXH3_64bits_update(state.get(), block.data(), size);
  }
  if (std::ferror(file.get())) return os_error(path, errno);
  return fmt::format("{:016x}", XXH3_64bits_digest(state.get()));
}

}  // namespace onefold
