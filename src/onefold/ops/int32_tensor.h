// SPDX-License-Identifier: Apache-2.0
// int32_tensor: offsets and indices of ours as a tensor.
#pragma once

#include <cstring>
#include <span>

#include <ATen/core/TensorBody.h>
#include <ATen/ops/empty.h>

namespace onefold {

// int32 [values.size()] on the CPU, a copy.
inline at::Tensor int32_tensor(std::span<const int32_t> values) {
  at::Tensor tensor = at::empty({static_cast<int64_t>(values.size())}, at::kInt);
  if (!values.empty()) std::memcpy(tensor.mutable_data_ptr(), values.data(), values.size_bytes());
  return tensor;
}

}  // namespace onefold
