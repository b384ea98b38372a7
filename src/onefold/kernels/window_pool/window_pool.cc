// SPDX-License-Identifier: Apache-2.0
#include "onefold/kernels/window_pool/window_pool.h"

#include "onefold/base/check.h"
#include "onefold/base/cpu.h"
#include "onefold/kernels/balance.h"

namespace onefold {
namespace {

void check_shape(const WindowPool& shape) {
  ONEFOLD_CHECK(shape.num_values < (int64_t{1} << 31) && shape.num_windows < (int64_t{1} << 31),
                "window_pool: 2^31 values or windows, or more");
}

// body(begin, end) over all rows, cut by the number of their values.
template <typename Body>
void for_rows(const Device& device, const WindowPool& shape, Body&& body) {
  const int64_t work = shape.num_rows + shape.num_values;
  parallel_for(device, work, 1 + (1 << 15) / shape.width, [&](int64_t begin, int64_t end) {
    body(first_row_at(begin, shape.row_offsets, shape.num_rows),
         first_row_at(end, shape.row_offsets, shape.num_rows));
  });
}

CpuLevel level_for(const WindowPool& shape) {
  return shape.type == ScalarType::kFloat32 ? cpu_level() : CpuLevel::kScalar;
}

}  // namespace

void window_pool(const Device& device, const WindowPool& shape, const void* values, double* prefix,
                 void* pooled) {
  check_shape(shape);
  if (shape.num_windows == 0 || shape.width == 0) return;
  if (device.type == DeviceType::kCuda) {
    window_pool_cuda(shape, values, prefix, pooled, device.stream);
    return;
  }
  const CpuLevel level = level_for(shape);
  const float* from = static_cast<const float*>(values);
  float* to = static_cast<float*>(pooled);
  for_rows(device, shape, [&](int64_t begin, int64_t end) {
    if (level == CpuLevel::kAvx512) {
      window_pool_avx512(shape, from, prefix, to, begin, end);
    } else if (level == CpuLevel::kAvx2) {
      window_pool_avx2(shape, from, prefix, to, begin, end);
    } else {
      window_pool_scalar(shape, values, prefix, pooled, begin, end);
    }
  });
}

void window_pool_backward(const Device& device, const WindowPool& shape, const void* grad_pooled,
                          void* grad_values) {
  check_shape(shape);
  if (shape.num_values == 0 || shape.width == 0) return;
  if (device.type == DeviceType::kCuda) {
    window_pool_backward_cuda(shape, grad_pooled, grad_values, device.stream);
    return;
  }
  const CpuLevel level = level_for(shape);
  const float* from = static_cast<const float*>(grad_pooled);
  float* to = static_cast<float*>(grad_values);
  for_rows(device, shape, [&](int64_t begin, int64_t end) {
    if (level == CpuLevel::kAvx512) {
      window_pool_backward_avx512(shape, from, to, begin, end);
    } else if (level == CpuLevel::kAvx2) {
      window_pool_backward_avx2(shape, from, to, begin, end);
    } else {
      window_pool_backward_scalar(shape, grad_pooled, grad_values, begin, end);
    }
  });
}

}  // namespace onefold
