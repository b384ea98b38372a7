// SPDX-License-Identifier: Apache-2.0
// torch.ops.onefold.embedding_bag: lookups of many features into one stack of tables, pooled or
// not, with the optimizer fused into the backward.
//
//   weights   table a (100 rows), table b (50 rows): one tensor [150, D]
//   features  pooled: "clicks" over U unique rows, "likes" over U; sequence: "history", 900 ids
//   out       [2 U + 900, D]; clicks and likes side by side ([U, 2 D]) with out_first 0 and 1,
//             out_stride 2; history from row 2 U on
//
// Tables of one width and type are stacked; a model has one stack for each. A table that several
// features look into gets one update per batch, of the sum of all their gradients.
#pragma once

#include <optional>
#include <vector>

#include <ATen/core/Tensor.h>

#include "onefold/kernels/embedding/embedding.h"
#include "onefold/ops/id_sort.h"

namespace onefold {

// The features of one call, in the order of the ids that were sorted: pooled ones, then sequences.
struct Lookups {
  std::vector<at::Tensor> offsets;  // per pooled feature: int32 [bags + 1], from 0
  std::vector<int64_t> num_ids;     // per feature
  std::vector<int64_t> out_first;   // per feature: the out row of its first bag (sequence: id)
  std::vector<int64_t> out_stride;  // per feature: from one bag to the next
  int64_t out_rows = 0;             // rows of no bag are undefined
  Pooling pooling = Pooling::kSum;
  std::optional<at::Tensor> id_weights;  // float [N] multiplies each id's row; sums only
};

struct FusedOptimizer {
  OptimizerKind kind = OptimizerKind::kDenseGradient;  // gradient of the weights' shape, no update
  std::vector<at::Tensor> state;  // Adagrad {[rows, D]}, row-wise {[rows]}, Adam {m, v}; float32
  // On the weights' device, so that a captured CUDA graph can change them.
  at::Tensor learning_rate;  // float32 [1]
  at::Tensor step;           // int64 [1], counted up by each backward
  double eps = 1e-8;
  double beta1 = 0.9;
  double beta2 = 0.999;
  bool stochastic_rounding = false;  // of 16-bit weights
  int64_t seed = 0;
};

// The state tensors that `kind` needs for these weights, zeroed.
std::vector<at::Tensor> make_optimizer_state(OptimizerKind kind, const at::Tensor& weights);

// -> [out_rows, D], float32 (float64 for float64 weights). An id outside its table looks up zeros.
//
// The backward needs weights.requires_grad(). With kDenseGradient it gives their gradient;
// otherwise it updates weights, state and step in place, once, and gives the weights no gradient.
// id_weights get a gradient where they require one. Results are the same bit for bit in every run.
at::Tensor embedding_bag(const at::Tensor& weights, const FusedOptimizer& optimizer,
                         const SortedIds& ids, const Lookups& lookups);

// Does nothing, but makes the linker take embedding.cc out of the static library: its ops are
// called by name only.
void link_embedding_kernels();

}  // namespace onefold
