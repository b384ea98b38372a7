// SPDX-License-Identifier: Apache-2.0
// ONEFOLD_CHECK: for what only a bug can cause. Always on; throws CheckError with file and line.
#pragma once

#include <stdexcept>
#include <string>

namespace onefold {

class CheckError : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

[[noreturn]] void check_failed(const char* file, int line, const char* condition,
                               const std::string& message);

}  // namespace onefold

#define ONEFOLD_CHECK(condition, message)                                 \
  do {                                                                    \
    if (!(condition)) [[unlikely]]                                        \
      ::onefold::check_failed(__FILE__, __LINE__, #condition, (message)); \
  } while (false)

// The same inside hot loops: compiled out with NDEBUG.
#ifdef NDEBUG
#define ONEFOLD_DCHECK(condition, message) \
  do {                                     \
  } while (false)
#else
#define ONEFOLD_DCHECK(condition, message) ONEFOLD_CHECK(condition, message)
#endif
