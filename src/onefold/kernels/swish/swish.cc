// SPDX-License-Identifier: Apache-2.0
#include "onefold/kernels/swish/swish.h"

#include "onefold/base/check.h"
#include "onefold/base/cpu.h"

namespace onefold {
namespace {

constexpr int64_t kGrain = 1 << 15;  // elements

CpuLevel level_for(const Device& device, ScalarType type) {
  ONEFOLD_CHECK(device.type == DeviceType::kCpu, "swish has no CUDA body");
  ONEFOLD_CHECK(type == ScalarType::kFloat32 || type == ScalarType::kFloat64,
                "swish takes float32 and float64");
  return type == ScalarType::kFloat32 ? cpu_level() : CpuLevel::kScalar;
}

}  // namespace

void swish(const Device& device, ScalarType type, const void* x, void* out, int64_t size) {
  const CpuLevel level = level_for(device, type);
  const float* from = static_cast<const float*>(x);
  float* to = static_cast<float*>(out);
  parallel_for(device, size, kGrain, [&](int64_t begin, int64_t end) {
    if (level == CpuLevel::kAvx512) return swish_avx512(from, to, begin, end);
    if (level == CpuLevel::kAvx2) return swish_avx2(from, to, begin, end);
    swish_scalar(type, x, out, begin, end);
  });
}

void swish_backward(const Device& device, ScalarType type, const void* x, const void* grad,
                    void* out, int64_t size) {
  const CpuLevel level = level_for(device, type);
  const float *from = static_cast<const float*>(x), *g = static_cast<const float*>(grad);
  float* to = static_cast<float*>(out);
  parallel_for(device, size, kGrain, [&](int64_t begin, int64_t end) {
    if (level == CpuLevel::kAvx512) return swish_backward_avx512(from, g, to, begin, end);
    if (level == CpuLevel::kAvx2) return swish_backward_avx2(from, g, to, begin, end);
    swish_backward_scalar(type, x, grad, out, begin, end);
  });
}

}  // namespace onefold
