// SPDX-License-Identifier: Apache-2.0
// Which CUDA body a call takes, and the launches. See the .cuh files for the kernels.
#include <algorithm>
#include <initializer_list>
#include <type_traits>

#include "onefold/base/check.h"
#include "onefold/kernels/device/cuda_check.cuh"
#include "onefold/kernels/folded_attention/folded_attention.h"
#include "onefold/kernels/folded_attention/folded_attention_backward_mma.cuh"
#include "onefold/kernels/folded_attention/folded_attention_mma.cuh"
#include "onefold/kernels/folded_attention/folded_attention_simt.cuh"
#include "onefold/kernels/folded_attention/folded_attention_wgmma.cuh"

namespace onefold {
namespace {

int num_multiprocessors() {
  int device = 0, count = 0;
  ONEFOLD_CUDA_CHECK(cudaGetDevice(&device));
  ONEFOLD_CUDA_CHECK(cudaDeviceGetAttribute(&count, cudaDevAttrMultiProcessorCount, device));
  return count;
}

// Launches with `bytes` of dynamic shared memory.
template <typename... Parameters, typename... Arguments>
void launch(void (*kernel)(Parameters...), dim3 grid, int threads, size_t bytes, Stream stream,
            Arguments... arguments) {
  if (bytes > 48 * 1024) {
    ONEFOLD_CUDA_CHECK(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                            static_cast<int>(bytes)));
  }
  kernel<<<grid, threads, bytes, static_cast<cudaStream_t>(stream)>>>(arguments...);
  ONEFOLD_CUDA_CHECK_LAUNCH();
}

int64_t num_pairs(const FoldedAttention& shape) { return shape.num_samples * shape.num_heads; }

// --------------------------------------------------------------------------------- any type

template <typename T>
void forward_simt(const FoldedAttention& shape, const void* query, const void* key,
                  const void* value, void* output, void* logsumexp, Stream stream) {
  using S = typename SumOf<T>::type;
  const dim3 grid(num_row_tiles(shape.num_samples, shape.num_rows, simt::kTile), shape.num_heads);
  launch(simt::forward_kernel<T>, grid, simt::kThreads,
         3 * simt::kTile * (shape.head_dim + 1) * sizeof(S), stream, shape,
         static_cast<const T*>(query), static_cast<const T*>(key), static_cast<const T*>(value),
         static_cast<T*>(output), static_cast<S*>(logsumexp));
}

template <typename T>
void backward_simt(const FoldedAttention& shape, const FoldedAttentionGradient& tensors,
                   Stream stream) {
  using S = typename SumOf<T>::type;
  const size_t bytes = simt::backward_bytes(shape.head_dim, sizeof(S));
  if (shape.num_samples > 0) {
    launch(simt::delta_kernel<T>, dim3((num_pairs(shape) * 32 + 255) / 256), 256, 0, stream,
           static_cast<const T*>(tensors.grad_output), static_cast<const T*>(tensors.output),
           num_pairs(shape), shape.head_dim, static_cast<S*>(tensors.workspace));
    launch(simt::backward_queries_kernel<T>,
           dim3(num_row_tiles(shape.num_samples, shape.num_rows, simt::kTile), shape.num_heads),
           simt::kThreads, bytes, stream, shape, tensors);
  }
  if (shape.num_keys > 0) {
    launch(simt::backward_keys_kernel<T>,
           dim3(num_row_tiles(shape.num_keys, shape.num_rows, simt::kTile), shape.num_heads),
           simt::kThreads, bytes, stream, shape, tensors);
  }
}

// ------------------------------------------------------------------------------ tensor cores

bool aligned16(const void* pointer) { return reinterpret_cast<uintptr_t>(pointer) % 16 == 0; }

bool takes_tensor_cores(const FoldedAttention& shape, std::initializer_list<const void*> tensors) {
  if (shape.type != ScalarType::kBFloat16 && shape.type != ScalarType::kFloat16) return false;
  if (shape.head_dim % 8 != 0 || shape.head_dim > 128) return false;
  for (int64_t stride : {shape.query_stride, shape.key_stride, shape.value_stride}) {
    if (stride % 8 != 0) return false;
  }
  return std::all_of(tensors.begin(), tensors.end(), aligned16);
}

// Calls body(std::integral_constant<int, width>) with the width that heads have in shared memory.
template <typename Body>
void with_width(int head_dim, Body&& body) {
  if (head_dim <= 32) return body(std::integral_constant<int, 32>{});
  if (head_dim <= 64) return body(std::integral_constant<int, 64>{});
  return body(std::integral_constant<int, 128>{});
}

template <typename T, typename C>
void forward_wgmma(const FoldedAttention& shape, const void* query, const void* key,
                   const void* value, void* output, void* logsumexp, Stream stream) {
  const int64_t items =
      num_row_tiles(shape.num_samples, shape.num_rows, C::kRows) * shape.num_heads;
  const T* keys = static_cast<const T*>(key);
  const T* values = static_cast<const T*>(value);
  launch(wgmma::forward_kernel<T, C>, dim3(std::min<int64_t>(items, num_multiprocessors())),
         C::kThreads, wgmma::shared_bytes<C>(), stream, shape, static_cast<const T*>(query), keys,
         values, wgmma::make_boxes<C>(shape, keys, values), static_cast<T*>(output),
         static_cast<float*>(logsumexp), static_cast<int>(items));
}

template <typename T, int kDim>
void forward_mma(const FoldedAttention& shape, const void* query, const void* key,
                 const void* value, void* output, void* logsumexp, Stream stream) {
  const int64_t items =
      num_row_tiles(shape.num_samples, shape.num_rows, mma::kTileSamples) * shape.num_heads;
  launch(mma::forward_kernel<T, kDim>, dim3(items), mma::kThreads, mma::forward_bytes<kDim>(),
         stream, shape, static_cast<const T*>(query), static_cast<const T*>(key),
         static_cast<const T*>(value), static_cast<T*>(output), static_cast<float*>(logsumexp));
}

// The mean number of samples of a row decides: it is all that the host knows.
template <typename T>
void forward_tensor_cores(const FoldedAttention& shape, const void* query, const void* key,
                          const void* value, void* output, void* logsumexp, Stream stream) {
  const int64_t per_row = shape.num_samples / std::max<int64_t>(1, shape.num_rows);
  const auto call = [&](auto forward) {
    forward(shape, query, key, value, output, logsumexp, stream);
  };
  if (per_row <= mma::kTileSamples) {
    return with_width(shape.head_dim, [&](auto width) { call(forward_mma<T, width()>); });
  }
  if (shape.head_dim > 64) {
    call(forward_wgmma<T, wgmma::Config<128, 2, 128, 4>>);
  } else if (per_row > 128) {
    call(forward_wgmma<T, wgmma::Config<64, 3, 128, 6>>);
  } else {
    call(forward_wgmma<T, wgmma::Config<64, 2, 128, 6>>);
  }
}

template <typename T, int kDim>
void backward_tensor_cores(const FoldedAttention& shape, const FoldedAttentionGradient& tensors,
                           Stream stream) {
  mma::BackwardWorkspace workspace;
  workspace.delta = static_cast<float*>(tensors.workspace);
  workspace.longest_row = reinterpret_cast<int*>(workspace.delta + num_pairs(shape));
  ONEFOLD_CUDA_CHECK(
      cudaMemsetAsync(workspace.longest_row, 0, sizeof(int), static_cast<cudaStream_t>(stream)));
  const int64_t threads = std::max(num_pairs(shape) * 32, shape.num_rows);
  launch(mma::delta_kernel<T>, dim3((threads + 255) / 256), 256, 0, stream, shape,
         static_cast<const T*>(tensors.grad_output), static_cast<const T*>(tensors.output),
         workspace);
  launch(mma::backward_short_kernel<T, kDim>, dim3(shape.num_rows * shape.num_heads), mma::kThreads,
         mma::short_bytes<kDim>(), stream, shape, tensors, workspace);
  if (shape.num_samples <= mma::kShortRow) return;  // no row can be longer
  const int64_t key_items =
      num_row_tiles(shape.num_keys, shape.num_rows, mma::kOwned) * shape.num_heads;
  const int64_t sample_items =
      num_row_tiles(shape.num_samples, shape.num_rows, mma::kOwned) * shape.num_heads;
  const int64_t blocks = 2 * num_multiprocessors();
  launch(mma::backward_keys_kernel<T, kDim>, dim3(std::min(key_items, blocks)), mma::kThreads,
         mma::long_bytes<kDim>(), stream, shape, tensors, workspace, static_cast<int>(key_items));
  launch(mma::backward_queries_kernel<T, kDim>, dim3(std::min(sample_items, blocks)), mma::kThreads,
         mma::long_bytes<kDim>(), stream, shape, tensors, workspace,
         static_cast<int>(sample_items));
}

void check_head_dim(const FoldedAttention& shape) {
  ONEFOLD_CHECK(shape.head_dim <= simt::kMaxHeadDim,
                "folded_attention: CUDA takes heads of at most 256 columns");
}

}  // namespace

void folded_attention_cuda(const FoldedAttention& shape, const void* query, const void* key,
                           const void* value, void* output, void* logsumexp, Stream stream) {
  check_head_dim(shape);
  const bool tensor_cores = takes_tensor_cores(shape, {query, key, value, output});
  with_cuda_element(shape.type, [&]<typename T>(T) {
    if constexpr (sizeof(T) == 2) {
      if (tensor_cores) {
        return forward_tensor_cores<T>(shape, query, key, value, output, logsumexp, stream);
      }
    }
    forward_simt<T>(shape, query, key, value, output, logsumexp, stream);
  });
}

size_t folded_attention_backward_cuda_workspace_bytes(const FoldedAttention& shape) {
  const size_t element = shape.type == ScalarType::kFloat64 ? 8 : 4;
  return num_pairs(shape) * element + sizeof(int);
}

void folded_attention_backward_cuda(const FoldedAttention& shape,
                                    const FoldedAttentionGradient& tensors, Stream stream) {
  check_head_dim(shape);
  const bool tensor_cores = takes_tensor_cores(
      shape, {tensors.query, tensors.key, tensors.value, tensors.output, tensors.grad_output,
              tensors.grad_query, tensors.grad_key, tensors.grad_value});
  with_cuda_element(shape.type, [&]<typename T>(T) {
    if constexpr (sizeof(T) == 2) {
      if (tensor_cores) {
        return with_width(shape.head_dim, [&](auto width) {
          backward_tensor_cores<T, width()>(shape, tensors, stream);
        });
      }
    }
    backward_simt<T>(shape, tensors, stream);
  });
}

}  // namespace onefold
