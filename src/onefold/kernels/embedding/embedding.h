// SPDX-License-Identifier: Apache-2.0
// Lookups into one stack of embedding tables: many features at once, pooled or not.
//
//   weights [rows, width]; the tables lie one after another; id_sort gives every id its row
//   a pooled feature    offsets [bags + 1]: bag i sums its ids' rows (mean: divided by their
//   number) a sequence feature  no offsets: every id is its own bag out                 [out_rows,
//   width]: bag i of feature f is row out_first + i * out_stride, so
//                       the features of a group can lie side by side, [U, F * width]
//
// An id outside its table (row -1) looks up zeros and has no gradient. Sums run in the order of the
// ids, in float32 (float64 for float64 weights): the same bit for bit in every run.
#pragma once

#include <cstddef>
#include <cstdint>

#include "onefold/kernels/device.h"
#include "onefold/kernels/pooling.h"

namespace onefold {

struct LookupFeature {
  const int32_t* offsets = nullptr;  // [num_bags + 1], from 0; nullptr: a sequence
  int64_t num_bags = 0;              // of a sequence: its ids
  int64_t num_ids = 0;
  int64_t out_first = 0;
  int64_t out_stride = 1;
};

struct EmbeddingForwardParams {
  const LookupFeature* features = nullptr;  // [num_features], in host memory; sequences come last
  int64_t num_features = 0;
  int64_t num_ids = 0;                   // of all features, in that order
  const int32_t* rows = nullptr;         // [num_ids] of id_sort
  const int32_t* sorted_rows = nullptr;  // [num_ids] of id_sort; CUDA gathers the distinct rows
  const int32_t* sorted_positions = nullptr;  //   of sequences once when both are given
  const float* id_weights = nullptr;          // [num_ids] multiplies each id's row; sums only
  Pooling pooling = Pooling::kSum;
  const void* weights = nullptr;  // [total_rows, width]
  ScalarType weight_type = ScalarType::kFloat32;
  int64_t width = 0;
  void* out = nullptr;                         // [out_rows, width]; rows of no bag are not written
  ScalarType out_type = ScalarType::kFloat32;  // float32, or weight_type
  int32_t* id_out = nullptr;  // [num_ids] the out row of every id, for the backward; or nullptr
  float* id_scale = nullptr;  // [num_ids] what each row was multiplied by; nullptr: all ones
};

void embedding_forward(const EmbeddingForwardParams& params, const Device& device);

enum class OptimizerKind {
  kDenseGradient,   // weights are the gradient: rows are written, not updated
  kSgd,             // w -= lr g
  kAdagrad,         // s += g^2; w -= lr g / (sqrt(s) + eps)
  kRowWiseAdagrad,  // one s for a row, of the mean of g^2
  kAdam,            // moments of the rows that are looked up; bias corrected by the step
};

struct EmbeddingUpdateParams {
  const void* grad_out = nullptr;  // [out_rows, width]
  ScalarType grad_type = ScalarType::kFloat32;
  int64_t width = 0;
  int64_t num_ids = 0;
  const int32_t* sorted_rows = nullptr;       // of id_sort
  const int32_t* sorted_positions = nullptr;  //
  const int32_t* run_offsets = nullptr;       //
  const int32_t* counts = nullptr;            //
  const int32_t* id_out = nullptr;            // of the forward
  const float* id_scale = nullptr;            // of the forward; or nullptr
  void* weights = nullptr;                    // [total_rows, width]
  ScalarType weight_type = ScalarType::kFloat32;
  OptimizerKind optimizer = OptimizerKind::kSgd;
  float* state = nullptr;   // Adagrad [total_rows, width], row-wise [total_rows], Adam's m
  float* state2 = nullptr;  // Adam's v [total_rows, width]
  // On the device, so that a captured graph can go on: the step is counted up by the kernel.
  const float* learning_rate = nullptr;  // [1]
  int64_t* step = nullptr;               // [1]
  double eps = 1e-8;
  double beta1 = 0.9;
  double beta2 = 0.999;
  bool stochastic_rounding = false;  // of 16-bit weights
  uint64_t seed = 0;
  void* workspace = nullptr;  // [embedding_update_workspace_bytes()], 256-byte aligned
};

// What an optimizer needs besides the element; made once per step, at the workspace's beginning.
struct OptimizerStep {
  float learning_rate, eps;
  float beta1, rest1;  // rest: 1 - beta
  float beta2, rest2;
  float correction1, correction2;  // 1 / (1 - beta^step)
  uint64_t step;
};

size_t embedding_update_workspace_bytes(int64_t num_ids, int64_t width, ScalarType grad_type,
                                        const Device& device);

// Every distinct row once: the sum of its ids' gradients, then the optimizer, in one pass.
// CheckError for a width above max_embedding_width() on CUDA, and for float64 weights with an
// optimizer.
void embedding_update(const EmbeddingUpdateParams& params, const Device& device);

// The widest row that embedding_update takes on CUDA: 1024, and 256 for widths not divisible by 4.
int64_t max_cuda_embedding_width(int64_t width);

struct IdWeightGradientParams {
  const void* grad_out = nullptr;  // [out_rows, width]
  ScalarType grad_type = ScalarType::kFloat32;
  const void* weights = nullptr;  // [total_rows, width]
  ScalarType weight_type = ScalarType::kFloat32;
  int64_t width = 0;
  int64_t num_ids = 0;
  const int32_t* rows = nullptr;    // [num_ids]
  const int32_t* id_out = nullptr;  // [num_ids]
  float* gradient = nullptr;        // [num_ids]: <grad_out[id_out], weights[row]>; 0 outside
};

// Must run before embedding_update changes the weights.
void id_weight_gradient(const IdWeightGradientParams& params, const Device& device);

// Bodies. The CPU ones do bags [begin, end) of feature `feature`, whose ids begin at `first_id`,
// and runs [begin, end).
struct BagRange {
  int64_t feature, first_id, begin, end;
};
void embedding_forward_scalar(const EmbeddingForwardParams& params, const BagRange& bags);
// Float32 out; weights float32, bfloat16 or float16.
void embedding_forward_avx2(const EmbeddingForwardParams& params, const BagRange& bags);
void embedding_forward_avx512(const EmbeddingForwardParams& params, const BagRange& bags);
void embedding_forward_cuda(const EmbeddingForwardParams& params, Stream stream);
void embedding_update_scalar(const EmbeddingUpdateParams& params, int64_t begin, int64_t end);
// Float32 gradients; weights not float64 and not rounded stochastically. sums [width rounded up to
// 16] is scratch.
void embedding_update_avx2(const EmbeddingUpdateParams& params, int64_t begin, int64_t end,
                           float* sums);
void embedding_update_avx512(const EmbeddingUpdateParams& params, int64_t begin, int64_t end,
                             float* sums);
size_t embedding_update_cuda_workspace_bytes(int64_t num_ids, int64_t width, ScalarType grad_type);
void embedding_update_cuda(const EmbeddingUpdateParams& params, Stream stream);
void id_weight_gradient_scalar(const IdWeightGradientParams& params, int64_t begin, int64_t end);
void id_weight_gradient_cuda(const IdWeightGradientParams& params, Stream stream);

}  // namespace onefold
