// SPDX-License-Identifier: Apache-2.0
// A group of lanes takes one distinct row at a time: weights and state on their way, it sums the
// gradients of the row's ids, applies the optimizer and writes the row back. Gradients of distinct
// rows are never stored.
//
// Power laws give a few rows very many ids. Runs are cut at fixed multiples of kPiece ids, whose
// whole pieces are summed first, into the workspace, by groups of their own. The order of additions
// depends on the sorted ids only, so results are the same in every run.
#include <algorithm>
#include <type_traits>

#include "onefold/kernels/device/cuda_check.cuh"
#include "onefold/kernels/device/pack.cuh"
#include "onefold/kernels/embedding/embedding.h"
#include "onefold/kernels/embedding/row_optimizer.h"

namespace onefold {
namespace {

// ------------------------------------------------------------------------------------ kernels

constexpr int kBlock = 256;
constexpr int kPiece = 64;
constexpr int kMaxInFlight = 4;

struct Group {
  int lane, lanes;
  unsigned mask;
};

__device__ __forceinline__ Group make_group(int lanes) {
  const unsigned mask =
      lanes == 32 ? 0xffffffffu : ((1u << lanes) - 1) << (threadIdx.x % 32 / lanes * lanes);
  return {static_cast<int>(threadIdx.x) % lanes, lanes, mask};
}

template <typename G, int N>
struct Gradients {
  const Pack<G, N>* grad_out;
  const int32_t* sorted_rows;
  const int32_t* sorted_positions;
  const int32_t* run_offsets;
  const int32_t* counts;
  const int32_t* id_out;
  const float* id_scale;
  typename SumOf<G>::type* pieces;  // [num_ids / kPiece, packs * N]
  int packs;                        // of a row
  int num_pieces;
};

// Adds the gradients of sorted ids [begin, end). Lane l has packs l, l + lanes, ... of the row.
template <typename G, int N, int kColumns>
__device__ __forceinline__ void sum_ids(typename SumOf<G>::type (&sums)[kColumns][N],
                                        const Gradients<G, N>& g, int begin, int end,
                                        const Group& group) {
  constexpr int kInFlight = kColumns >= kMaxInFlight ? 1 : kMaxInFlight / kColumns;
  for (int chunk = begin; chunk < end; chunk += group.lanes) {
    const int count = min(group.lanes, end - chunk);
    int my_out = 0;
    float my_scale = 1.0f;
    if (group.lane < count) {
      const int position = g.sorted_positions[chunk + group.lane];
      my_out = g.id_out[position];
      if (g.id_scale != nullptr) my_scale = g.id_scale[position];
    }
    for (int j = 0; j < count; j += kInFlight) {
      // Loads are not guarded: past the last id they repeat it, past the row's end its last pack.
      // Guards would make the compiler wait for each load before the next.
      Pack<G, N> value[kInFlight][kColumns];
      float scale[kInFlight];
#pragma unroll
      for (int i = 0; i < kInFlight; ++i) {
        const int from = min(j + i, count - 1);
        const int64_t out = __shfl_sync(group.mask, my_out, from, group.lanes);
        scale[i] = __shfl_sync(group.mask, my_scale, from, group.lanes);
#pragma unroll
        for (int c = 0; c < kColumns; ++c) {
          const int column = min(c * group.lanes + group.lane, g.packs - 1);
          value[i][c] = g.grad_out[out * g.packs + column];
        }
      }
#pragma unroll
      for (int i = 0; i < kInFlight; ++i) {
        if (j + i >= count) break;
#pragma unroll
        for (int c = 0; c < kColumns; ++c) {
#pragma unroll
          for (int n = 0; n < N; ++n) sums[c][n] += scale[i] * to_sum(value[i][c].x[n]);
        }
      }
    }
  }
}

template <typename G, int N, int kColumns>
__global__ void __launch_bounds__(kBlock) piece_kernel(const Gradients<G, N> g, int lanes) {
  const Group group = make_group(lanes);
  const int piece = blockIdx.x * (kBlock / lanes) + threadIdx.x / lanes;
  if (piece >= g.num_pieces) return;
  const int begin = piece * kPiece, end = begin + kPiece;
  if (end > g.run_offsets[g.counts[0]] || g.sorted_rows[begin] != g.sorted_rows[end - 1]) return;
  typename SumOf<G>::type sums[kColumns][N] = {};
  sum_ids<G, N, kColumns>(sums, g, begin, end, group);
#pragma unroll
  for (int c = 0; c < kColumns; ++c) {
    const int column = c * lanes + group.lane;
    if (column >= g.packs) continue;
#pragma unroll
    for (int n = 0; n < N; ++n) {
      g.pieces[(static_cast<int64_t>(piece) * g.packs + column) * N + n] = sums[c][n];
    }
  }
}

// The gradient of the row whose ids are sorted ids [begin, end).
template <typename G, int N, int kColumns>
__device__ __forceinline__ void sum_run(typename SumOf<G>::type (&sums)[kColumns][N],
                                        const Gradients<G, N>& g, int begin, int end,
                                        const Group& group) {
  const int first = (begin + kPiece - 1) / kPiece, last = end / kPiece;
  if (first >= last) return sum_ids<G, N, kColumns>(sums, g, begin, end, group);
  sum_ids<G, N, kColumns>(sums, g, begin, first * kPiece, group);
#pragma unroll 4
  for (int piece = first; piece < last; ++piece) {
#pragma unroll
    for (int c = 0; c < kColumns; ++c) {
      const int column = c * group.lanes + group.lane;
      if (column >= g.packs) continue;
#pragma unroll
      for (int n = 0; n < N; ++n) {
        sums[c][n] += g.pieces[(static_cast<int64_t>(piece) * g.packs + column) * N + n];
      }
    }
  }
  sum_ids<G, N, kColumns>(sums, g, last * kPiece, end, group);
}

struct Optimizer {
  OptimizerKind kind;
  bool stochastic_rounding;
  uint64_t seed;
  const OptimizerStep* step;
};

__global__ void step_kernel(const float* learning_rate, int64_t* step, double eps, double beta1,
                            double beta2, OptimizerStep* out) {
  *step += 1;
  *out = make_optimizer_step(*learning_rate, eps, beta1, beta2, *step);
}

template <typename W>
__device__ __forceinline__ W round_weight(float value, const Optimizer& o, uint64_t step,
                                          int64_t element) {
  if constexpr (std::is_same_v<W, __nv_bfloat16>) {
    if (o.stochastic_rounding) {
      return __ushort_as_bfloat16(bfloat16_stochastic(value, rounding_bits(o.seed, step, element)));
    }
  } else if constexpr (std::is_same_v<W, __half>) {
    if (o.stochastic_rounding) {
      return __ushort_as_half(float16_stochastic(value, rounding_bits(o.seed, step, element)));
    }
  }
  return from_sum<W>(value);
}

template <typename W, typename G, int N, int kColumns>
__global__ void __launch_bounds__(kBlock, kColumns <= 1 ? 4 : 1)
    update_kernel(const Gradients<G, N> g, Pack<W, N>* __restrict__ weights,
                  Pack<float, N>* __restrict__ state, float* __restrict__ row_state,
                  Pack<float, N>* __restrict__ state2, const Optimizer o, int lanes) {
  const Group group = make_group(lanes);
  const int groups_per_block = kBlock / lanes;
  const int num_runs = g.counts[0];
  const OptimizerStep step = *o.step;
  for (int run = blockIdx.x * groups_per_block + threadIdx.x / lanes; run < num_runs;
       run += gridDim.x * groups_per_block) {
    const int begin = g.run_offsets[run], end = g.run_offsets[run + 1];
    const int64_t row = g.sorted_rows[begin];
    const auto place = [&](int c) { return row * g.packs + c * lanes + group.lane; };
    const auto active = [&](int c) { return c * lanes + group.lane < g.packs; };
    Pack<W, N> weight[kColumns];
    Pack<float, N> s[kColumns], s2[kColumns];
#pragma unroll
    for (int c = 0; c < kColumns; ++c) {
      if (!active(c)) continue;
      weight[c] = weights[place(c)];
      if (state != nullptr) s[c] = state[place(c)];
      if (state2 != nullptr) s2[c] = state2[place(c)];
    }
    float row_sum = row_state != nullptr ? row_state[row] : 0.0f;
    float grad[kColumns][N] = {};
    sum_run<G, N, kColumns>(grad, g, begin, end, group);

    float rate = step.learning_rate;
    if (row_state != nullptr) {
      float square = 0.0f;
#pragma unroll
      for (int c = 0; c < kColumns; ++c) {
#pragma unroll
        for (int n = 0; n < N; ++n) square += active(c) ? grad[c][n] * grad[c][n] : 0.0f;
      }
      for (int far = lanes / 2; far > 0; far /= 2) {
        square += __shfl_xor_sync(group.mask, square, far, lanes);
      }
      rate = row_wise_rate(square / static_cast<float>(g.packs * N), row_sum, step);
      if (group.lane == 0) row_state[row] = row_sum;
    }
#pragma unroll
    for (int c = 0; c < kColumns; ++c) {
      if (!active(c)) continue;
#pragma unroll
      for (int n = 0; n < N; ++n) {
        float w = to_sum(weight[c].x[n]);
        if (o.kind == OptimizerKind::kAdam) {
          w = adam(w, grad[c][n], s[c].x[n], s2[c].x[n], step);
        } else if (o.kind == OptimizerKind::kAdagrad) {
          w = adagrad(w, grad[c][n], s[c].x[n], step);
        } else {
          w -= rate * grad[c][n];
        }
        weight[c].x[n] = round_weight<W>(w, o, step.step, place(c) * N + n);
      }
      weights[place(c)] = weight[c];
      if (state != nullptr) state[place(c)] = s[c];
      if (state2 != nullptr) state2[place(c)] = s2[c];
    }
  }
}

template <typename W, typename G, int N, int kColumns>
__global__ void __launch_bounds__(kBlock)
    gradient_kernel(const Gradients<G, N> g, Pack<W, N>* __restrict__ gradient, int lanes) {
  const Group group = make_group(lanes);
  const int groups_per_block = kBlock / lanes;
  const int num_runs = g.counts[0];
  for (int run = blockIdx.x * groups_per_block + threadIdx.x / lanes; run < num_runs;
       run += gridDim.x * groups_per_block) {
    const int begin = g.run_offsets[run];
    const int64_t row = g.sorted_rows[begin];
    typename SumOf<G>::type sums[kColumns][N] = {};
    sum_run<G, N, kColumns>(sums, g, begin, g.run_offsets[run + 1], group);
#pragma unroll
    for (int c = 0; c < kColumns; ++c) {
      const int column = c * lanes + group.lane;
      if (column >= g.packs) continue;
      Pack<W, N> pack;
#pragma unroll
      for (int n = 0; n < N; ++n) pack.x[n] = from_sum<W>(sums[c][n]);
      gradient[row * g.packs + column] = pack;
    }
  }
}

// ---------------------------------------------------------------------------------- launchers

// The workspace: the step's numbers, then the pieces.
constexpr size_t kStepBytes = 256;

unsigned num_blocks(int64_t threads) {
  return static_cast<unsigned>((threads + kBlock - 1) / kBlock);
}

// Enough blocks to fill the device several times; groups take further runs in turn, since how many
// runs there are is known on the device only.
unsigned num_update_blocks(int64_t num_ids, int lanes) {
  int device = 0, processors = 0;
  ONEFOLD_CUDA_CHECK(cudaGetDevice(&device));
  ONEFOLD_CUDA_CHECK(cudaDeviceGetAttribute(&processors, cudaDevAttrMultiProcessorCount, device));
  return std::min(num_blocks(num_ids * lanes), static_cast<unsigned>(processors) * 16);
}

template <typename G, int N>
Gradients<G, N> gradients_of(const EmbeddingUpdateParams& p) {
  return {static_cast<const Pack<G, N>*>(p.grad_out),
          p.sorted_rows,
          p.sorted_positions,
          p.run_offsets,
          p.counts,
          p.id_out,
          p.id_scale,
          reinterpret_cast<typename SumOf<G>::type*>(static_cast<char*>(p.workspace) + kStepBytes),
          static_cast<int>(p.width / N),
          static_cast<int>(p.num_ids / kPiece)};
}

template <typename W, typename G, int N, int kColumns>
void launch(const EmbeddingUpdateParams& p, int lanes, cudaStream_t stream) {
  const Gradients<G, N> g = gradients_of<G, N>(p);
  const unsigned blocks = num_update_blocks(p.num_ids, lanes);
  if (g.num_pieces > 0) {
    piece_kernel<G, N, kColumns>
        <<<num_blocks(static_cast<int64_t>(g.num_pieces) * lanes), kBlock, 0, stream>>>(g, lanes);
    ONEFOLD_CUDA_CHECK_LAUNCH();
  }
  Pack<W, N>* weights = static_cast<Pack<W, N>*>(p.weights);
  if (p.optimizer == OptimizerKind::kDenseGradient) {
    gradient_kernel<W, G, N, kColumns><<<blocks, kBlock, 0, stream>>>(g, weights, lanes);
    ONEFOLD_CUDA_CHECK_LAUNCH();
    return;
  }
  if constexpr (!std::is_same_v<W, double>) {
    const bool row_wise = p.optimizer == OptimizerKind::kRowWiseAdagrad;
    const bool element_wise =
        p.optimizer == OptimizerKind::kAdagrad || p.optimizer == OptimizerKind::kAdam;
    const bool two = p.optimizer == OptimizerKind::kAdam;
    const Optimizer o{p.optimizer, p.stochastic_rounding, p.seed,
                      static_cast<const OptimizerStep*>(p.workspace)};
    update_kernel<W, G, N, kColumns><<<blocks, kBlock, 0, stream>>>(
        g, weights, element_wise ? reinterpret_cast<Pack<float, N>*>(p.state) : nullptr,
        row_wise ? p.state : nullptr, two ? reinterpret_cast<Pack<float, N>*>(p.state2) : nullptr,
        o, lanes);
    ONEFOLD_CUDA_CHECK_LAUNCH();
  }
}

template <typename W, typename G, int N>
void launch_columns(const EmbeddingUpdateParams& p, cudaStream_t stream) {
  const int packs = static_cast<int>(p.width / N);
  int lanes = 8;
  while (lanes < packs && lanes < 32) lanes *= 2;
  if constexpr (N == 1) {
    return launch<W, G, 1, 8>(p, lanes, stream);
  } else {
    if (packs <= 32) return launch<W, G, N, 1>(p, lanes, stream);
    if (packs <= 64) return launch<W, G, N, 2>(p, lanes, stream);
    if (packs <= 128) return launch<W, G, N, 4>(p, lanes, stream);
    launch<W, G, N, 8>(p, lanes, stream);
  }
}

}  // namespace

size_t embedding_update_cuda_workspace_bytes(int64_t num_ids, int64_t width, ScalarType grad_type) {
  return kStepBytes + num_ids / kPiece * width * (grad_type == ScalarType::kFloat64 ? 8 : 4);
}

void embedding_update_cuda(const EmbeddingUpdateParams& p, Stream stream_handle) {
  const cudaStream_t stream = static_cast<cudaStream_t>(stream_handle);
  if (p.optimizer != OptimizerKind::kDenseGradient) {
    step_kernel<<<1, 1, 0, stream>>>(p.learning_rate, p.step, p.eps, p.beta1, p.beta2,
                                     static_cast<OptimizerStep*>(p.workspace));
    ONEFOLD_CUDA_CHECK_LAUNCH();
  }
  if (p.num_ids == 0) return;
  with_cuda_element(p.weight_type, [&]<typename W>(W) {
    const auto launch = [&]<typename G>(G) {
      const bool packed = p.width % 4 == 0 &&
                          reinterpret_cast<uintptr_t>(p.weights) % (4 * sizeof(W)) == 0 &&
                          reinterpret_cast<uintptr_t>(p.grad_out) % (4 * sizeof(G)) == 0;
      packed ? launch_columns<W, G, 4>(p, stream) : launch_columns<W, G, 1>(p, stream);
    };
    if (p.grad_type == p.weight_type) return launch(W{});
    launch(float{});
  });
}

}  // namespace onefold
