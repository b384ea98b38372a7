// SPDX-License-Identifier: Apache-2.0
// ONEFOLD_HOST_DEVICE: a function that CPU bodies and CUDA kernels share. Internal linkage, so that
// no file's copy, compiled for whatever instruction set, is linked for another.
#pragma once

#ifdef __CUDACC__
#define ONEFOLD_HOST_DEVICE static __host__ __device__ __forceinline__
#else
#define ONEFOLD_HOST_DEVICE [[maybe_unused]] static inline
#endif
