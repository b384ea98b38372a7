// SPDX-License-Identifier: Apache-2.0
#include "onefold/kernels/device.h"
#include "onefold/kernels/device/cuda_check.cuh"

namespace onefold {

int num_cuda_devices() {
  int count = 0;
  if (cudaGetDeviceCount(&count) != cudaSuccess) {
    (void)cudaGetLastError();  // no driver is an answer, not an error
    return 0;
  }
  return count;
}

void* cuda_allocate(size_t bytes) {
  void* pointer = nullptr;
  ONEFOLD_CUDA_CHECK(cudaMalloc(&pointer, bytes == 0 ? 1 : bytes));
  return pointer;
}

void cuda_free(void* pointer) { ONEFOLD_CUDA_CHECK(cudaFree(pointer)); }

void cuda_copy(void* destination, const void* source, size_t bytes) {
  ONEFOLD_CUDA_CHECK(cudaMemcpy(destination, source, bytes, cudaMemcpyDefault));
}

void cuda_synchronize() { ONEFOLD_CUDA_CHECK(cudaDeviceSynchronize()); }

}  // namespace onefold
