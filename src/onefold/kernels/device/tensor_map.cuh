// SPDX-License-Identifier: Apache-2.0
// Tensors as Hopper's copy engine wants them described.
#pragma once

#include <cstdint>
#include <type_traits>

#include <cuda.h>
#include <cuda_bf16.h>

#include "onefold/kernels/device/cuda_check.cuh"

namespace onefold {

// A box is kBoxColumns columns of one head of some rows.
constexpr int kBoxColumns = 64;

// Describes [num_rows, num_heads, head_dim] 16-bit numbers, rows `stride` numbers apart, to be
// copied in boxes of box_rows rows. Returns whether it can be described: there must be rows, and
// strides and address be multiples of 16 bytes. What lies outside the tensor is copied as zeros.
template <typename T>
bool describe_rows(CUtensorMap* map, const T* rows, int64_t num_rows, int num_heads, int head_dim,
                   int64_t stride, int box_rows) {
  using Encode =
      CUresult(CUtensorMap*, CUtensorMapDataType, cuuint32_t, void*, const cuuint64_t*,
               const cuuint64_t*, const cuuint32_t*, const cuuint32_t*, CUtensorMapInterleave,
               CUtensorMapSwizzle, CUtensorMapL2promotion, CUtensorMapFloatOOBfill);
  // By name, so that programs need not link the driver.
  static Encode* const encode = [] {
    void* function = nullptr;
    cudaDriverEntryPointQueryResult result;
    ONEFOLD_CUDA_CHECK(cudaGetDriverEntryPointByVersion("cuTensorMapEncodeTiled", &function, 12000,
                                                        cudaEnableDefault, &result));
    return result == cudaDriverEntryPointSuccess ? reinterpret_cast<Encode*>(function) : nullptr;
  }();
  if (encode == nullptr || num_rows == 0) return false;
  const cuuint64_t sizes[] = {static_cast<cuuint64_t>(head_dim), static_cast<cuuint64_t>(num_heads),
                              static_cast<cuuint64_t>(num_rows)};
  const cuuint64_t strides[] = {head_dim * sizeof(T), stride * sizeof(T)};
  const cuuint32_t box[] = {kBoxColumns, 1, static_cast<cuuint32_t>(box_rows)};
  const cuuint32_t steps[] = {1, 1, 1};
  const auto type = std::is_same_v<T, __nv_bfloat16> ? CU_TENSOR_MAP_DATA_TYPE_BFLOAT16
                                                     : CU_TENSOR_MAP_DATA_TYPE_FLOAT16;
  return encode(map, type, 3, const_cast<T*>(rows), sizes, strides, box, steps,
                CU_TENSOR_MAP_INTERLEAVE_NONE, CU_TENSOR_MAP_SWIZZLE_128B,
                CU_TENSOR_MAP_L2_PROMOTION_L2_256B,
                CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE) == CUDA_SUCCESS;
}

}  // namespace onefold
