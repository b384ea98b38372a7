// SPDX-License-Identifier: Apache-2.0
// Attention of B samples over the key/value rows of U unique users, without copying a row per
// sample: the queries of one unique row are one tile against it.
//
//   samples 0 1 2 3, inverse_indices 0 1 0 1, rows of 3 and 2 keys
//   key_offsets 0 3 5     sample_offsets 0 2 4     samples 0 2 1 3
//   output[2] = softmax(scale * query[2] . key[0..3)) . value[0..3)
//
// The exact result of attention over expanded rows. RecD (arXiv 2211.05239), O7, is the idea.
#pragma once

#include <cstddef>
#include <cstdint>

#include "onefold/kernels/device.h"

namespace onefold {

struct FoldedAttention {
  ScalarType type;      // of every tensor but logsumexp and delta
  int64_t num_rows;     // unique rows, U
  int64_t num_samples;  // queries, B
  int64_t num_keys;     // keys of all rows together, key_offsets[num_rows]
  int32_t num_heads;
  int32_t head_dim;      // columns of a head; heads of one row or sample lie side by side
  double scale;          // of the scores
  bool causal;           // the i-th sample of a row sees the row's keys 0 .. i only
  int64_t query_stride;  // elements between two samples; so too for keys and values
  int64_t key_stride;
  int64_t value_stride;
  const int32_t* key_offsets;     // [num_rows + 1]
  const int32_t* sample_offsets;  // [num_rows + 1]
  const int32_t* samples;         // [num_samples]: samples grouped by row; nullptr: 0, 1, 2 ...
};

// output of a sample whose row has no keys is 0, its logsumexp -infinity.
// `Compute` is double for float64, else float.
void folded_attention(const Device& device, const FoldedAttention& shape,
                      const void* query,  // [num_samples, num_heads, head_dim]
                      const void* key,    // [num_keys, num_heads, head_dim]
                      const void* value,  // [num_keys, num_heads, head_dim]
                      void* output,       // [num_samples, num_heads, head_dim], contiguous
                      void* logsumexp     // Compute [num_samples, num_heads]: of scaled scores
);

struct FoldedAttentionGradient {
  const void* query;  // inputs as in folded_attention()
  const void* key;
  const void* value;
  const void* output;  // its results
  const void* logsumexp;
  const void* grad_output;  // [num_samples, num_heads, head_dim], contiguous
  void* grad_query;         // [num_samples, num_heads, head_dim], contiguous
  void* grad_key;           // [num_keys, num_heads, head_dim], contiguous
  void* grad_value;         // [num_keys, num_heads, head_dim], contiguous
  void* workspace;          // [folded_attention_backward_workspace_bytes()]
};

// Scratch memory that the backward pass needs on this device; 0 on the CPU.
size_t folded_attention_backward_workspace_bytes(const Device& device,
                                                 const FoldedAttention& shape);

// Every gradient element is written, by one writer in a fixed order: the same bits every run.
void folded_attention_backward(const Device& device, const FoldedAttention& shape,
                               const FoldedAttentionGradient& tensors);

// The bodies that folded_attention.cc chooses from. CPU bodies take a range of items, item i being
// head i % num_heads of row i / num_heads. The vector bodies refuse float64 and heads wider than
// kMaxVectorHeadDim.
inline constexpr int32_t kMaxVectorHeadDim = 256;

void folded_attention_scalar(const FoldedAttention& shape, const void* query, const void* key,
                             const void* value, void* output, void* logsumexp, int64_t begin,
                             int64_t end);
void folded_attention_avx2(const FoldedAttention& shape, const void* query, const void* key,
                           const void* value, void* output, float* logsumexp, int64_t begin,
                           int64_t end);
void folded_attention_avx512(const FoldedAttention& shape, const void* query, const void* key,
                             const void* value, void* output, float* logsumexp, int64_t begin,
                             int64_t end);
void folded_attention_backward_scalar(const FoldedAttention& shape,
                                      const FoldedAttentionGradient& tensors, int64_t begin,
                                      int64_t end);
void folded_attention_backward_avx2(const FoldedAttention& shape,
                                    const FoldedAttentionGradient& tensors, int64_t begin,
                                    int64_t end);
void folded_attention_backward_avx512(const FoldedAttention& shape,
                                      const FoldedAttentionGradient& tensors, int64_t begin,
                                      int64_t end);

void folded_attention_cuda(const FoldedAttention& shape, const void* query, const void* key,
                           const void* value, void* output, void* logsumexp, Stream stream);
size_t folded_attention_backward_cuda_workspace_bytes(const FoldedAttention& shape);
void folded_attention_backward_cuda(const FoldedAttention& shape,
                                    const FoldedAttentionGradient& tensors, Stream stream);

}  // namespace onefold
