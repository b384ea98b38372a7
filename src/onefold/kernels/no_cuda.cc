// SPDX-License-Identifier: Apache-2.0
// The symbols of the .cu files for a build without CUDA: every launcher throws. Callers never need
// an #ifdef; the CLI refuses `--device cuda` earlier, with a Status.
#include "onefold/base/check.h"
#include "onefold/kernels/device.h"

namespace onefold {
namespace {

[[noreturn]] void no_cuda(const char* what) {
  check_failed(__FILE__, __LINE__, what,
               "this build has no CUDA kernels; configure with -DONEFOLD_CUDA=ON where nvcc is");
}

}  // namespace

int num_cuda_devices() { return 0; }
void* cuda_allocate(size_t) { no_cuda("cuda_allocate"); }
void cuda_free(void*) { no_cuda("cuda_free"); }
void cuda_copy(void*, const void*, size_t) { no_cuda("cuda_copy"); }
void cuda_synchronize() { no_cuda("cuda_synchronize"); }

}  // namespace onefold
