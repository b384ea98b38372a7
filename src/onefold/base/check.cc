// SPDX-License-Identifier: Apache-2.0
#include "onefold/base/check.h"

#include <cstring>

namespace onefold {

void check_failed(const char* file, int line, const char* condition, const std::string& message) {
  const char* name = std::strrchr(file, '/');
  throw CheckError(std::string(name ? name + 1 : file) + ":" + std::to_string(line) + ": " +
                   message + " (check failed: " + condition + ")");
}

}  // namespace onefold
