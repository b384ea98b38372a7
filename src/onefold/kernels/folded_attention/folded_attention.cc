// SPDX-License-Identifier: Apache-2.0
#include "onefold/kernels/folded_attention/folded_attention.h"

#include "onefold/base/check.h"
#include "onefold/base/cpu.h"
#include "onefold/kernels/balance.h"

namespace onefold {
namespace {

void check_shape(const FoldedAttention& shape) {
  ONEFOLD_CHECK(shape.num_heads > 0 && shape.head_dim > 0,
                "folded_attention: heads and head_dim must be positive");
  ONEFOLD_CHECK(shape.scale > 0, "folded_attention: scale must be positive");
  ONEFOLD_CHECK(shape.num_samples < (int64_t{1} << 31) && shape.num_keys < (int64_t{1} << 31),
                "folded_attention: 2^31 samples or keys, or more");
}

CpuLevel level_for(const FoldedAttention& shape) {
  const bool vector = shape.type != ScalarType::kFloat64 && shape.head_dim <= kMaxVectorHeadDim;
  return vector ? cpu_level() : CpuLevel::kScalar;
}

}  // namespace

void folded_attention(const Device& device, const FoldedAttention& shape, const void* query,
                      const void* key, const void* value, void* output, void* logsumexp) {
  check_shape(shape);
  if (shape.num_samples == 0) return;
  if (device.type == DeviceType::kCuda) {
    folded_attention_cuda(shape, query, key, value, output, logsumexp, device.stream);
    return;
  }
  const CpuLevel level = level_for(shape);
  auto* lse = static_cast<float*>(logsumexp);
  // Rows one by one: the cost of one is its keys times its samples.
  parallel_items(device, shape.num_rows, [&](int64_t, int64_t row) {
    const int64_t begin = row * shape.num_heads, end = begin + shape.num_heads;
    if (level == CpuLevel::kAvx512) {
      folded_attention_avx512(shape, query, key, value, output, lse, begin, end);
    } else if (level == CpuLevel::kAvx2) {
      folded_attention_avx2(shape, query, key, value, output, lse, begin, end);
    } else {
      folded_attention_scalar(shape, query, key, value, output, logsumexp, begin, end);
    }
  });
}

size_t folded_attention_backward_workspace_bytes(const Device& device,
                                                 const FoldedAttention& shape) {
  if (device.type == DeviceType::kCpu) return 0;
  return folded_attention_backward_cuda_workspace_bytes(shape);
}

void folded_attention_backward(const Device& device, const FoldedAttention& shape,
                               const FoldedAttentionGradient& tensors) {
  check_shape(shape);
  if (shape.num_rows == 0) return;
  if (device.type == DeviceType::kCuda) {
    folded_attention_backward_cuda(shape, tensors, device.stream);
    return;
  }
  const CpuLevel level = level_for(shape);
  // Rows one by one: the cost of one is its keys times its samples.
  parallel_items(device, shape.num_rows, [&](int64_t, int64_t row) {
    const int64_t begin = row * shape.num_heads, end = begin + shape.num_heads;
    if (level == CpuLevel::kAvx512) {
      folded_attention_backward_avx512(shape, tensors, begin, end);
    } else if (level == CpuLevel::kAvx2) {
      folded_attention_backward_avx2(shape, tensors, begin, end);
    } else {
      folded_attention_backward_scalar(shape, tensors, begin, end);
    }
  });
}

}  // namespace onefold
