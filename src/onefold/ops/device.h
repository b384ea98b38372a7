// SPDX-License-Identifier: Apache-2.0
// What a kernel needs to know about a tensor: where it runs and what it holds.
#pragma once

#include <ATen/core/Tensor.h>

#include "onefold/kernels/device.h"

namespace onefold {

// The device of `tensor` with Torch's current stream (CUDA) or Torch's threads (CPU).
// REQUIRES: a CPU or CUDA tensor; on CUDA, its device is the current one (see DeviceGuard).
Device kernel_device(const at::Tensor& tensor);

// REQUIRES: float32, float64, bfloat16 or float16; throws c10::Error with `what` otherwise.
ScalarType scalar_type_of(const at::Tensor& tensor, const char* what);

// Throws c10::Error unless `tensor` is contiguous, on the device of `like` and of dtype int32.
void check_int32(const at::Tensor& tensor, const at::Tensor& like, const char* what);

}  // namespace onefold
