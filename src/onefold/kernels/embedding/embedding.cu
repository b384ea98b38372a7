// SPDX-License-Identifier: Apache-2.0
// Pooled features: a group of lanes walks the ids of a few consecutive bags, four rows in flight
// whatever the bags' lengths, and writes a bag when its last id has been added.
// Sequence features: a thread copies one pack of kTile ids. In the order of the sorted ids equal
// rows are neighbours and are loaded once; without a sort, in the order of the ids.
#include <algorithm>

#include "onefold/kernels/device/cuda_check.cuh"
#include "onefold/kernels/device/pack.cuh"
#include "onefold/kernels/embedding/embedding.h"

namespace onefold {
namespace {

// ------------------------------------------------------------------------------------ kernels

constexpr int kBlock = 256;
constexpr int kTile = 4;
constexpr int kInFlight = 4;
constexpr int kMaxFeatures = 64;  // per launch; more features take more launches

struct PooledFeature {
  const int32_t* offsets;
  int64_t out_first, out_stride;
  int32_t num_bags, first_id, first_group;
};

struct PooledBatch {
  PooledFeature features[kMaxFeatures];
  int num_features, num_groups, bags_per_group, lanes;
};

struct SequenceFeature {
  int64_t out_first, out_stride;
  int32_t first_id;
};

struct SequenceBatch {
  SequenceFeature features[kMaxFeatures];
  int num_features, first_id, last_id;
};

// The last feature whose first(feature) is at most `i`.
template <typename Batch, typename First>
__device__ __forceinline__ int feature_of(const Batch& batch, int i, First first) {
  int low = 0, high = batch.num_features;
  while (high - low > 1) {
    const int middle = (low + high) / 2;
    if (first(batch.features[middle]) <= i) {
      low = middle;
    } else {
      high = middle;
    }
  }
  return low;
}

template <typename W, typename O, int N>
struct Lookup {
  const Pack<W, N>* weights;
  Pack<O, N>* out;
  const int32_t* rows;
  const float* id_weights;
  int32_t* id_out;
  float* id_scale;
  int packs;  // of a row
  bool mean;
};

template <typename W, typename O, int N>
__global__ void __launch_bounds__(kBlock)
    pooled_kernel(const __grid_constant__ PooledBatch batch, const Lookup<W, O, N> p) {
  using Sum = typename SumOf<W>::type;
  const int lanes = batch.lanes;
  const int group = blockIdx.x * (kBlock / lanes) + threadIdx.x / lanes;
  if (group >= batch.num_groups) return;
  const int lane = threadIdx.x % lanes;
  const unsigned mask =
      lanes == 32 ? 0xffffffffu : ((1u << lanes) - 1) << (threadIdx.x % 32 / lanes * lanes);
  const PooledFeature& feature =
      batch
          .features[feature_of(batch, group, [](const PooledFeature& f) { return f.first_group; })];
  const int first_bag = (group - feature.first_group) * batch.bags_per_group;
  const int num_bags = min(batch.bags_per_group, feature.num_bags - first_bag);
  const int column = blockIdx.y * lanes + lane;
  const bool active = column < p.packs;
  const int load_column = min(column, p.packs - 1);
  // Lane b holds the offset of bag b; bags_per_group < lanes.
  const int my_offset = lane <= num_bags ? feature.first_id + feature.offsets[first_bag + lane] : 0;
  const int ids_end = __shfl_sync(mask, my_offset, num_bags, lanes);
  int bag = 0, bag_begin = __shfl_sync(mask, my_offset, 0, lanes);
  int bag_end = __shfl_sync(mask, my_offset, 1, lanes);
  int64_t out_row = feature.out_first + static_cast<int64_t>(first_bag) * feature.out_stride;
  Sum sums[N] = {};
  const auto finish_bag = [&] {
    if (p.mean && bag_end > bag_begin) {
      const float scale = 1.0f / static_cast<float>(bag_end - bag_begin);
#pragma unroll
      for (int n = 0; n < N; ++n) sums[n] *= scale;
    }
    if (active) {
      Pack<O, N> pack;
#pragma unroll
      for (int n = 0; n < N; ++n) pack.x[n] = from_sum<O>(sums[n]);
      p.out[out_row * p.packs + column] = pack;
    }
#pragma unroll
    for (int n = 0; n < N; ++n) sums[n] = 0;
    ++bag;
    out_row += feature.out_stride;
    bag_begin = bag_end;
    bag_end = __shfl_sync(mask, my_offset, min(bag + 1, num_bags), lanes);
  };
  for (int chunk = bag_begin; chunk < ids_end; chunk += lanes) {
    const int count = min(lanes, ids_end - chunk);
    const int my_row = lane < count ? p.rows[chunk + lane] : -1;
    const float my_weight = p.id_weights && lane < count ? p.id_weights[chunk + lane] : 1.0f;
    int my_out = 0;
    float my_scale = my_weight;
    for (int j = 0; j < count; j += kInFlight) {
      Pack<W, N> value[kInFlight];
      int row[kInFlight];
      float weight[kInFlight];
#pragma unroll
      for (int i = 0; i < kInFlight; ++i) {
        // Loads are not guarded: where there is no row they read row 0, and lanes past the row's
        // end its last pack. Guards would make the compiler wait for each load before the next.
        row[i] = __shfl_sync(mask, my_row, j + i, lanes);  // -1 past the chunk's end
        weight[i] = __shfl_sync(mask, my_weight, j + i, lanes);
        value[i] = p.weights[static_cast<int64_t>(max(row[i], 0)) * p.packs + load_column];
      }
#pragma unroll
      for (int i = 0; i < kInFlight; ++i) {
        if (j + i >= count) break;
        while (chunk + j + i >= bag_end) finish_bag();
        if (row[i] >= 0) {
#pragma unroll
          for (int n = 0; n < N; ++n) sums[n] += weight[i] * to_sum(value[i].x[n]);
        }
        if (lane == j + i) {
          my_out = static_cast<int>(out_row);
          if (p.mean) my_scale = 1.0f / static_cast<float>(bag_end - bag_begin);
        }
      }
    }
    if (lane < count && blockIdx.y == 0) {
      if (p.id_out != nullptr) p.id_out[chunk + lane] = my_out;
      if (p.id_scale != nullptr) p.id_scale[chunk + lane] = my_scale;
    }
  }
  while (bag < num_bags) finish_bag();
}

__global__ void __launch_bounds__(kBlock)
    sequence_ids_kernel(const __grid_constant__ SequenceBatch batch,
                        const float* __restrict__ id_weights, int32_t* __restrict__ id_out,
                        float* __restrict__ id_scale) {
  const int i = batch.first_id + blockIdx.x * kBlock + threadIdx.x;
  if (i >= batch.last_id) return;
  const SequenceFeature& feature =
      batch.features[feature_of(batch, i, [](const SequenceFeature& f) { return f.first_id; })];
  if (id_out != nullptr) {
    id_out[i] = static_cast<int>(feature.out_first + (i - feature.first_id) * feature.out_stride);
  }
  if (id_scale != nullptr) id_scale[i] = id_weights ? id_weights[i] : 1.0f;
}

// `order` lists positions, [first, last) of them; nullptr: first, first + 1, ...
template <typename W, typename O, int N, typename Int>
__global__ void __launch_bounds__(kBlock)
    sequence_kernel(const __grid_constant__ SequenceBatch batch, const Lookup<W, O, N> p,
                    const int32_t* __restrict__ order, int first, int last) {
  const Int thread = static_cast<Int>(blockIdx.x) * kBlock + threadIdx.x;
  const Int tile = thread / p.packs;
  const int column = static_cast<int>(thread - tile * p.packs);
  const int64_t begin = first + static_cast<int64_t>(tile) * kTile;
  if (begin >= last) return;
  int position[kTile], row[kTile];
#pragma unroll
  for (int i = 0; i < kTile; ++i) {
    position[i] = -1;
    if (begin + i < last) position[i] = order ? order[begin + i] : static_cast<int>(begin) + i;
    if (position[i] < batch.first_id || position[i] >= batch.last_id) position[i] = -1;
  }
#pragma unroll
  for (int i = 0; i < kTile; ++i) row[i] = position[i] >= 0 ? p.rows[position[i]] : -1;
  Pack<W, N> value[kTile];
#pragma unroll
  for (int i = 0; i < kTile; ++i) {
    if (row[i] >= 0 && (i == 0 || row[i] != row[i > 0 ? i - 1 : 0])) {
      value[i] = p.weights[static_cast<int64_t>(row[i]) * p.packs + column];
    }
  }
#pragma unroll
  for (int i = 0; i < kTile; ++i) {
    if (i > 0 && row[i] == row[i > 0 ? i - 1 : 0]) value[i] = value[i > 0 ? i - 1 : 0];
    if (position[i] < 0) continue;
    Pack<O, N> pack;
    const float scale = p.id_weights ? p.id_weights[position[i]] : 1.0f;
#pragma unroll
    for (int n = 0; n < N; ++n) {
      pack.x[n] = from_sum<O>(row[i] >= 0 ? scale * to_sum(value[i].x[n]) : 0);
    }
    const SequenceFeature& feature = batch.features[feature_of(
        batch, position[i], [](const SequenceFeature& f) { return f.first_id; })];
    const int64_t out_row =
        feature.out_first + (position[i] - feature.first_id) * feature.out_stride;
    p.out[out_row * p.packs + column] = pack;
  }
}

template <typename W, typename G, int N>
__global__ void __launch_bounds__(kBlock)
    id_weight_kernel(const Pack<W, N>* __restrict__ weights,
                     const Pack<G, N>* __restrict__ grad_out, const int32_t* __restrict__ rows,
                     const int32_t* __restrict__ id_out, float* __restrict__ gradient, int num_ids,
                     int packs) {
  const int id = blockIdx.x * (kBlock / 32) + threadIdx.x / 32;
  if (id >= num_ids) return;
  const int64_t row = rows[id], out = id_out[id];
  typename SumOf<W>::type sum = 0;
  if (row >= 0) {
    for (int c = threadIdx.x % 32; c < packs; c += 32) {
      const Pack<W, N> w = weights[row * packs + c];
      const Pack<G, N> g = grad_out[out * packs + c];
#pragma unroll
      for (int n = 0; n < N; ++n) sum += to_sum(w.x[n]) * to_sum(g.x[n]);
    }
  }
  for (int step = 16; step > 0; step /= 2) sum += __shfl_xor_sync(0xffffffffu, sum, step);
  if (threadIdx.x % 32 == 0) gradient[id] = static_cast<float>(sum);
}

// ---------------------------------------------------------------------------------- launchers

unsigned num_blocks(int64_t threads) {
  return static_cast<unsigned>((threads + kBlock - 1) / kBlock);
}

// The lanes that share a row: a power of two of at least 8, so that a group can hold the offsets of
// its bags.
int lanes_for(int packs) {
  int lanes = 8;
  while (lanes < packs && lanes < 32) lanes *= 2;
  return lanes;
}

template <typename W, typename O, int N>
Lookup<W, O, N> lookup_of(const EmbeddingForwardParams& p) {
  return {static_cast<const Pack<W, N>*>(p.weights),
          static_cast<Pack<O, N>*>(p.out),
          p.rows,
          p.id_weights,
          p.id_out,
          p.id_scale,
          static_cast<int>(p.width / N),
          p.pooling == Pooling::kMean};
}

template <typename W, typename O, int N>
void launch_pooled(const EmbeddingForwardParams& p, int64_t begin, int64_t end, int64_t first_id,
                   cudaStream_t stream) {
  PooledBatch batch{};
  const Lookup<W, O, N> lookup = lookup_of<W, O, N>(p);
  batch.lanes = lanes_for(lookup.packs);
  int64_t ids = 0, bags = 0;
  for (int64_t f = begin; f < end; ++f) {
    ids += p.features[f].num_ids;
    bags += p.features[f].num_bags;
  }
  // Short bags go four to a group, so that four rows are in flight; long ones fill a group each.
  batch.bags_per_group = ids <= 8 * bags ? 4 : 1;
  for (int64_t f = begin; f < end; ++f) {
    const LookupFeature& feature = p.features[f];
    batch.features[batch.num_features++] = {feature.offsets,
                                            feature.out_first,
                                            feature.out_stride,
                                            static_cast<int32_t>(feature.num_bags),
                                            static_cast<int32_t>(first_id),
                                            batch.num_groups};
    first_id += feature.num_ids;
    batch.num_groups +=
        static_cast<int>((feature.num_bags + batch.bags_per_group - 1) / batch.bags_per_group);
  }
  if (batch.num_groups == 0) return;
  const dim3 grid(num_blocks(static_cast<int64_t>(batch.num_groups) * batch.lanes),
                  (lookup.packs + batch.lanes - 1) / batch.lanes);
  pooled_kernel<W, O, N><<<grid, kBlock, 0, stream>>>(batch, lookup);
  ONEFOLD_CUDA_CHECK_LAUNCH();
}

template <typename W, typename O, int N>
void launch_sequences(const EmbeddingForwardParams& p, int64_t begin, int64_t end, int64_t first_id,
                      cudaStream_t stream) {
  SequenceBatch batch{};
  batch.first_id = batch.last_id = static_cast<int>(first_id);
  for (int64_t f = begin; f < end; ++f) {
    const LookupFeature& feature = p.features[f];
    if (feature.num_ids == 0) continue;
    batch.features[batch.num_features++] = {feature.out_first, feature.out_stride, batch.last_id};
    batch.last_id += static_cast<int>(feature.num_ids);
  }
  if (batch.num_features == 0) return;
  if (p.id_out != nullptr || p.id_scale != nullptr) {
    sequence_ids_kernel<<<num_blocks(batch.last_id - batch.first_id), kBlock, 0, stream>>>(
        batch, p.id_weights, p.id_out, p.id_scale);
    ONEFOLD_CUDA_CHECK_LAUNCH();
  }
  const Lookup<W, O, N> lookup = lookup_of<W, O, N>(p);
  const int32_t* order = p.sorted_positions;
  const int first = order ? 0 : batch.first_id;
  const int last = order ? static_cast<int>(p.num_ids) : batch.last_id;
  const int64_t threads = (static_cast<int64_t>(last - first) + kTile - 1) / kTile * lookup.packs;
  const auto kernel = threads < (int64_t{1} << 31) - kBlock ? sequence_kernel<W, O, N, unsigned>
                                                            : sequence_kernel<W, O, N, int64_t>;
  kernel<<<num_blocks(threads), kBlock, 0, stream>>>(batch, lookup, order, first, last);
  ONEFOLD_CUDA_CHECK_LAUNCH();
}

template <typename W, typename O, int N>
void launch_forward(const EmbeddingForwardParams& p, cudaStream_t stream) {
  int64_t first_id = 0, begin = 0;
  while (begin < p.num_features) {
    const bool pooled = p.features[begin].offsets != nullptr;
    int64_t end = begin, next_id = first_id;
    while (end < p.num_features && end - begin < kMaxFeatures &&
           (p.features[end].offsets != nullptr) == pooled) {
      next_id += p.features[end++].num_ids;
    }
    if (pooled) {
      launch_pooled<W, O, N>(p, begin, end, first_id, stream);
    } else {
      launch_sequences<W, O, N>(p, begin, end, first_id, stream);
    }
    begin = end;
    first_id = next_id;
  }
}

}  // namespace

void embedding_forward_cuda(const EmbeddingForwardParams& params, Stream stream_handle) {
  const cudaStream_t stream = static_cast<cudaStream_t>(stream_handle);
  with_cuda_element(params.weight_type, [&]<typename W>(W) {
    const auto launch = [&]<typename O>(O) {
      const bool packed = params.width % 4 == 0 &&
                          reinterpret_cast<uintptr_t>(params.weights) % (4 * sizeof(W)) == 0 &&
                          reinterpret_cast<uintptr_t>(params.out) % (4 * sizeof(O)) == 0;
      packed ? launch_forward<W, O, 4>(params, stream) : launch_forward<W, O, 1>(params, stream);
    };
    if (params.out_type == params.weight_type) return launch(W{});
    launch(float{});
  });
}

void id_weight_gradient_cuda(const IdWeightGradientParams& params, Stream stream_handle) {
  const cudaStream_t stream = static_cast<cudaStream_t>(stream_handle);
  if (params.num_ids == 0) return;
  with_cuda_element(params.weight_type, [&]<typename W>(W) {
    const auto launch = [&]<typename G>(G) {
      id_weight_kernel<W, G, 1><<<num_blocks(params.num_ids * 32), kBlock, 0, stream>>>(
          static_cast<const Pack<W, 1>*>(params.weights),
          static_cast<const Pack<G, 1>*>(params.grad_out), params.rows, params.id_out,
          params.gradient, static_cast<int>(params.num_ids), static_cast<int>(params.width));
      ONEFOLD_CUDA_CHECK_LAUNCH();
    };
    if (params.grad_type == params.weight_type) return launch(W{});
    launch(float{});
  });
}

}  // namespace onefold
