// SPDX-License-Identifier: Apache-2.0
#include "onefold/kernels/window_pool/window_pool.h"

#include "onefold/base/check.h"

namespace onefold {
namespace {

void check_shape(const WindowPool& shape) {
  ONEFOLD_CHECK(shape.num_values < (int64_t{1} << 31) && shape.num_windows < (int64_t{1} << 31),
                "window_pool: 2^31 values or windows, or more");
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
  parallel_for(device, shape.num_rows, 1, [&](int64_t begin, int64_t end) {
    window_prefix_scalar(shape, values, prefix, begin, end);
  });
  parallel_for(device, shape.num_windows, 16, [&](int64_t begin, int64_t end) {
    window_sums_scalar(shape, values, prefix, pooled, begin, end);
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
  parallel_for(device, shape.num_rows, 1, [&](int64_t begin, int64_t end) {
    window_pool_backward_scalar(shape, grad_pooled, grad_values, begin, end);
  });
}

}  // namespace onefold
