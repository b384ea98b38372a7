// SPDX-License-Identifier: Apache-2.0
// ONEFOLD_CUDA_CHECK(call): throws CheckError with CUDA's own words when a call fails.
#pragma once

#include <stdexcept>
#include <string>

#include <cuda_runtime.h>

namespace onefold {

// check_failed() of base/check.h; declared here because device/ includes nothing outside itself.
[[noreturn]] void check_failed(const char* file, int line, const char* condition,
                               const std::string& message);

inline void cuda_check(cudaError_t error, const char* file, int line, const char* call) {
  if (error == cudaSuccess) [[likely]]
    return;
  check_failed(file, line, call,
               std::string(cudaGetErrorName(error)) + ": " + cudaGetErrorString(error));
}

}  // namespace onefold

#define ONEFOLD_CUDA_CHECK(call) ::onefold::cuda_check((call), __FILE__, __LINE__, #call)
// After a launch. Catches a bad launch; faults inside the kernel surface at the next synchronise.
#define ONEFOLD_CUDA_CHECK_LAUNCH() ONEFOLD_CUDA_CHECK(cudaGetLastError())
