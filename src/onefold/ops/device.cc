// SPDX-License-Identifier: Apache-2.0
// The one file of ops/ that differs between a CPU and a CUDA build of Torch.
#include "onefold/ops/device.h"

#include <ATen/Parallel.h>
#include <c10/util/Exception.h>
#ifdef ONEFOLD_TORCH_HAS_CUDA
#include <c10/cuda/CUDAStream.h>
#endif

namespace onefold {
namespace {

void torch_parallel_for(int64_t n, int64_t grain, void* context,
                        void (*body)(void* context, int64_t begin, int64_t end)) {
  at::parallel_for(0, n, grain, [=](int64_t begin, int64_t end) { body(context, begin, end); });
}

}  // namespace

Device kernel_device(const at::Tensor& tensor) {
  Device device;
  if (tensor.is_cpu()) {
    device.parallel_for = torch_parallel_for;
    return device;
  }
  TORCH_CHECK(tensor.is_cuda(), "onefold: expected a CPU or CUDA tensor, got ", tensor.device());
  device.type = DeviceType::kCuda;
#ifdef ONEFOLD_TORCH_HAS_CUDA
  device.stream = c10::cuda::getCurrentCUDAStream(tensor.device().index()).stream();
#endif
  return device;
}

ScalarType scalar_type_of(const at::Tensor& tensor, const char* what) {
  switch (tensor.scalar_type()) {
    case at::kFloat:
      return ScalarType::kFloat32;
    case at::kDouble:
      return ScalarType::kFloat64;
    case at::kBFloat16:
      return ScalarType::kBFloat16;
    case at::kHalf:
      return ScalarType::kFloat16;
    default:
      TORCH_CHECK(false, "onefold: ", what, " must be float32, float64, bfloat16 or float16, is ",
                  tensor.scalar_type());
  }
}

void check_int32(const at::Tensor& tensor, const at::Tensor& like, const char* what) {
  TORCH_CHECK(tensor.scalar_type() == at::kInt, "onefold: ", what, " must be int32, is ",
              tensor.scalar_type());
  TORCH_CHECK(tensor.device() == like.device(), "onefold: ", what, " is on ", tensor.device(),
              ", expected ", like.device());
  TORCH_CHECK(tensor.is_contiguous(), "onefold: ", what, " must be contiguous");
}

}  // namespace onefold
