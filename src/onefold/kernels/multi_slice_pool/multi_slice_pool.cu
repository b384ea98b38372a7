// SPDX-License-Identifier: Apache-2.0
// A cell's sums are a matrix product: mask [slices x events] times rows [events x columns]. For
// 16-bit tables it goes to the tensor cores, with the mask's ones (or weights) made in registers
// from the bits; the arithmetic then costs less than the gather, and a row is read once however
// many slices it belongs to.
//
// A block takes one cell and one table group. It first lists the events that the group sees, in
// order, then streams their rows through a ring of asynchronous copies.
#include <algorithm>
#include <cstdint>
#include <type_traits>

#include "onefold/base/check.h"
#include "onefold/kernels/device/cuda_check.cuh"
#include "onefold/kernels/device/pack.cuh"
#include "onefold/kernels/device/tensor_core.cuh"
#include "onefold/kernels/multi_slice_pool/multi_slice_pool.h"

namespace onefold {
namespace {

// ------------------------------------------------------------------------------------ kernels

constexpr int kMaxPassSlices = 64;  // slices that one pass over the rows serves

// Slices [first, first + count) of a group.
struct SlicePass {
  int first;
  int count;
};

__device__ SlicePass pass_of(const SliceEvents& events, int group, int pass, int pass_slices) {
  const int first = events.slice_offsets[group] + pass * pass_slices;
  return {first, min(pass_slices, events.slice_offsets[group + 1] - first)};
}

// Bits [first, first + count) of an event's mask.
__device__ __forceinline__ uint64_t slice_bits(const uint64_t* words, int num_words,
                                               SlicePass pass) {
  const int word = pass.first / 64, shift = pass.first % 64;
  uint64_t bits = words[word] >> shift;
  if (shift != 0 && word + 1 < num_words) bits |= words[word + 1] << (64 - shift);
  return pass.count == 64 ? bits : bits & ((uint64_t{1} << pass.count) - 1);
}

__device__ __forceinline__ uint64_t event_bits(const SliceEvents& events, int event,
                                               SlicePass pass) {
  const auto* masks = reinterpret_cast<const uint64_t*>(events.masks);
  return slice_bits(masks + int64_t{event} * events.num_words, events.num_words, pass);
}

// The events of a cell that a pass has something of, in order.
struct EventList {
  int count;
  int rows[kSliceCellEvents];  // of the group's table
  uint64_t bits[kSliceCellEvents];
  float weights[kSliceCellEvents];
};

// A lane looks at one event of every round; the 32 warp-rounds of a cell are counted, and their
// counts summed by one warp-wide scan.
template <int kThreads>
__device__ void list_events(const SliceEvents& events, int group, SlicePass pass, int begin,
                            int end, EventList& list) {
  constexpr int kWarps = kThreads / 32;
  constexpr int kRounds = kSliceCellEvents / kThreads;
  static_assert(kWarps * kRounds == 32);
  __shared__ int counts[32];
  const int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
  uint64_t bits[kRounds];
  int row[kRounds];
  unsigned listed[kRounds];
#pragma unroll
  for (int round = 0; round < kRounds; ++round) {
    const int event = begin + round * kThreads + threadIdx.x;
    bits[round] = 0;
    row[round] = 0;
    if (event < end) {
      const int64_t id = events.ids[group][event];
      row[round] = static_cast<int>(id);
      if (id >= 0) bits[round] = event_bits(events, event, pass);
    }
    listed[round] = __ballot_sync(0xffffffffu, bits[round] != 0);
    if (lane == 0) counts[round * kWarps + warp] = __popc(listed[round]);
  }
  __syncthreads();
  int up_to = counts[lane];
  for (int step = 1; step < 32; step *= 2) {
    const int left = __shfl_up_sync(0xffffffffu, up_to, step);
    if (lane >= step) up_to += left;
  }
#pragma unroll
  for (int round = 0; round < kRounds; ++round) {
    const int before =
        __shfl_sync(0xffffffffu, up_to, round * kWarps + warp) - __popc(listed[round]);
    if (bits[round] == 0) continue;
    const int at = before + __popc(listed[round] & ((1u << lane) - 1));
    list.rows[at] = row[round];
    list.bits[at] = bits[round];
    const int event = begin + round * kThreads + threadIdx.x;
    list.weights[at] = events.weights == nullptr ? 1.0f : events.weights[event];
  }
  if (threadIdx.x == 31) list.count = up_to;
  __syncthreads();
}

constexpr int kStageEvents = 32;
constexpr int kStages = 3;

template <int kColumns>
struct TensorCoreMemory {
  EventList list;
  alignas(128) unsigned char stages[kStages][kStageEvents * kColumns * 2];
};

template <typename T>
__device__ __forceinline__ uint32_t element_bits(float x) {
  const T value = from_sum<T>(x);
  return *reinterpret_cast<const uint16_t*>(&value);
}

// The A fragments of 16 events: which of the lane's slices have which of its four events, as ones
// or weights. Adds the same values to `totals`.
template <typename T, int kTiles>
struct MaskFragments {
  using Bits = std::conditional_t<kTiles <= 2, uint32_t, uint64_t>;

  uint32_t weighted;  // bit 2 t + h: slice 16 t + 8 h + group is weighted
  int group, pair;
  float totals[kTiles][2];

  __device__ MaskFragments(const SliceEvents& events, SlicePass pass)
      : weighted(0), group(threadIdx.x % 32 / 4), pair(threadIdx.x % 4), totals() {
    if (events.weights == nullptr) return;
    const uint64_t bits = slice_bits(events.weighted, events.num_words, pass);
    for (int i = 0; i < 2 * kTiles; ++i) {
      weighted |= static_cast<uint32_t>(bits >> (8 * i + group) & 1) << i;
    }
  }

  __device__ void make(const EventList& list, int first, uint32_t (&a)[kTiles][4]) {
    const uint32_t one = element_bits<T>(1.0f);
    Bits bits[4];
    uint32_t weight[4];
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      const int event = first + 2 * pair + i % 2 + i / 2 * 8;
      const bool valid = event < list.count;
      bits[i] = valid ? static_cast<Bits>(list.bits[event] >> group) : 0;
      weight[i] = weighted != 0 && valid ? element_bits<T>(list.weights[event]) : one;
    }
#pragma unroll
    for (int t = 0; t < kTiles; ++t) {
#pragma unroll
      for (int h = 0; h < 2; ++h) {
        const bool by_weight = weighted >> (2 * t + h) & 1;
#pragma unroll
        for (int k = 0; k < 2; ++k) {  // inner dimension 0-7 and 8-15 of the fragment
          uint32_t value[2];
#pragma unroll
          for (int i = 0; i < 2; ++i) {
            const uint32_t bit = static_cast<uint32_t>(bits[2 * k + i] >> (16 * t + 8 * h)) & 1;
            value[i] = bit * (by_weight ? weight[2 * k + i] : one);
            const uint16_t element = static_cast<uint16_t>(value[i]);
            totals[t][h] += to_sum(*reinterpret_cast<const T*>(&element));
          }
          a[t][2 * k + h] = value[0] | value[1] << 16;
        }
      }
    }
  }
};

// kColumns threads, a warp for 32 columns; kTiles m16 tiles of slices.
template <typename T, int kColumns, int kTiles>
__global__ void __launch_bounds__(kColumns, kTiles <= 2 ? 768 / kColumns : 1)
    cells_kernel(const __grid_constant__ SliceEvents events, SliceCells cells, float* cell_sums,
                 float* cell_weights) {
  extern __shared__ __align__(128) unsigned char raw[];
  auto& memory = *reinterpret_cast<TensorCoreMemory<kColumns>*>(raw);
  const int cell = blockIdx.x / events.num_groups, group = blockIdx.x % events.num_groups;
  const int begin = cells.begin[cell], end = cells.end[cell];
  const SlicePass pass = pass_of(events, group, blockIdx.z, kTiles * 16);
  if (begin >= end || pass.count <= 0) return;
  list_events<kColumns>(events, group, pass, begin, end, memory.list);
  const EventList& list = memory.list;
  const int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
  const int first_column = blockIdx.y * kColumns;
  const T* table = static_cast<const T*>(events.tables[group]) + first_column;
  const int columns = min(kColumns, events.dim - first_column);
  const auto stage = [&](int block) {
    return SharedTile<kColumns>{shared_address(memory.stages[block % kStages])};
  };
  const auto start = [&](int block) {
    const int count = list.count - block * kStageEvents;
    if (count > 0) {
      copy_rows_async<kColumns, kStageEvents, kColumns>(
          stage(block), threadIdx.x, count, columns, [&](int row) {
            return table + int64_t{list.rows[block * kStageEvents + row]} * events.dim;
          });
    }
    commit_copies();
  };
  for (int block = 0; block < kStages - 1; ++block) start(block);

  MaskFragments<T, kTiles> fragments(events, pass);
  float sums[kTiles][4][4] = {};
  const int num_blocks = (list.count + kStageEvents - 1) / kStageEvents;
  for (int block = 0; block < num_blocks; ++block) {
    wait_copies<kStages - 2>();
    __syncthreads();
    start(block + kStages - 1);
    const SharedTile<kColumns> rows = stage(block);
#pragma unroll
    for (int k = 0; k < kStageEvents; k += 16) {
      uint32_t a[kTiles][4];
      fragments.make(list, block * kStageEvents + k, a);
#pragma unroll
      for (int j = 0; j < 4; j += 2) {
        uint32_t b[4];
        load_matrices_transposed(
            b, rows.chunk(k + lane / 8 % 2 * 8 + lane % 8, warp * 4 + j + lane / 16));
#pragma unroll
        for (int t = 0; t < kTiles; ++t) {
          multiply_add(sums[t][j], a[t], b[0], b[1], T{});
          multiply_add(sums[t][j + 1], a[t], b[2], b[3], T{});
        }
      }
    }
  }
  wait_copies<0>();
  const int64_t slice0 = int64_t{cell} * events.num_slices() + pass.first;
#pragma unroll
  for (int t = 0; t < kTiles; ++t) {
#pragma unroll
    for (int h = 0; h < 2; ++h) {
      const int slice = 16 * t + 8 * h + lane / 4;
      const float total = row_sum(fragments.totals[t][h]);
      if (slice >= pass.count) continue;
      if (threadIdx.x % 4 == 0 && warp == 0 && blockIdx.y == 0) {
        cell_weights[slice0 + slice] = total;
      }
#pragma unroll
      for (int j = 0; j < 4; ++j) {
        const int column = warp * 32 + j * 8 + lane % 4 * 2;
        if (column >= columns) continue;
        float* to = cell_sums + (slice0 + slice) * events.dim + first_column + column;
        *reinterpret_cast<float2*>(to) = make_float2(sums[t][j][2 * h], sums[t][j][2 * h + 1]);
      }
    }
  }
}

// Any type and width: a thread a column, kPass slices in registers at a time.
constexpr int kAnyThreads = 128;
constexpr int kAnyPass = 16;

template <typename T>
__global__ void __launch_bounds__(kAnyThreads)
    cells_any_kernel(const __grid_constant__ SliceEvents events, SliceCells cells,
                     typename SumOf<T>::type* cell_sums, float* cell_weights) {
  using S = typename SumOf<T>::type;
  __shared__ EventList list;
  const int cell = blockIdx.x / events.num_groups, group = blockIdx.x % events.num_groups;
  const int begin = cells.begin[cell], end = cells.end[cell];
  const SlicePass pass = pass_of(events, group, blockIdx.z, kAnyPass);
  if (begin >= end || pass.count <= 0) return;
  list_events<kAnyThreads>(events, group, pass, begin, end, list);
  const uint64_t weighted =
      events.weights == nullptr ? 0 : slice_bits(events.weighted, events.num_words, pass);
  const int column = blockIdx.y * kAnyThreads + threadIdx.x;
  const T* table = static_cast<const T*>(events.tables[group]) + column;
  const bool inside = column < events.dim;
  S sums[kAnyPass] = {};
  float totals[kAnyPass] = {};
#pragma unroll 4
  for (int i = 0; i < list.count; ++i) {
    const S x = inside ? to_sum(table[int64_t{list.rows[i]} * events.dim]) : S(0);
    const uint64_t bits = list.bits[i];
#pragma unroll
    for (int s = 0; s < kAnyPass; ++s) {
      if ((bits >> s & 1) == 0) continue;  // the same for the whole block
      const float weight = weighted >> s & 1 ? list.weights[i] : 1.0f;
      sums[s] += weight * x;
      totals[s] += weight;
    }
  }
  const int64_t slice0 = int64_t{cell} * events.num_slices() + pass.first;
#pragma unroll
  for (int s = 0; s < kAnyPass; ++s) {
    if (s >= pass.count) break;
    if (inside) cell_sums[(slice0 + s) * events.dim + column] = sums[s];
    if (column == 0) cell_weights[slice0 + s] = totals[s];
  }
}

// A block a window and slice.
template <typename T>
__global__ void means_kernel(SliceCells cells, SliceWindows windows, int num_slices, int dim,
                             const typename SumOf<T>::type* cell_sums, const float* cell_weights,
                             T* means, float* window_weights) {
  using S = typename SumOf<T>::type;
  const int window = blockIdx.x, slice = blockIdx.y;
  const int first = windows.first_cell[window], last = windows.last_cell[window];
  float weight = 0;
  for (int cell = first; cell < last; ++cell) {
    if (cells.begin[cell] < cells.end[cell]) {
      weight += cell_weights[int64_t{cell} * num_slices + slice];
    }
  }
  const S scale = weight == 0 ? S(0) : S(1) / weight;
  const int64_t out = int64_t{window} * num_slices + slice;
  for (int d = threadIdx.x; d < dim; d += blockDim.x) {
    S sum = 0;
#pragma unroll 4
    for (int cell = first; cell < last; ++cell) {
      if (cells.begin[cell] < cells.end[cell]) {
        sum += cell_sums[(int64_t{cell} * num_slices + slice) * dim + d];
      }
    }
    means[out * dim + d] = from_sum<T>(sum * scale);
  }
  if (threadIdx.x == 0) window_weights[out] = weight;
}

constexpr int kGradientThreads = 256;

// A block a cell and group. Windows are looked through in order, kGradientThreads at a time.
template <typename T>
__global__ void __launch_bounds__(kGradientThreads)
    cell_gradients_kernel(const __grid_constant__ SliceEvents events, SliceCells cells,
                          SliceWindows windows, const T* grad_means, const float* window_weights,
                          typename SumOf<T>::type* cell_gradients) {
  using S = typename SumOf<T>::type;
  __shared__ int holding[kGradientThreads];
  __shared__ int counts[kGradientThreads / 32];
  const int cell = blockIdx.x, group = blockIdx.y;
  if (cells.begin[cell] >= cells.end[cell]) return;
  const int num_slices = events.num_slices(), dim = events.dim;
  const int first_slice = events.slice_offsets[group];
  const int size = (events.slice_offsets[group + 1] - first_slice) * dim;
  S* gradient = cell_gradients + (int64_t{cell} * num_slices + first_slice) * dim;
  const int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
  for (int base = 0; base < max(1, static_cast<int>(windows.num_windows));
       base += kGradientThreads) {
    const int window = base + threadIdx.x;
    const bool holds = window < windows.num_windows && windows.first_cell[window] <= cell &&
                       cell < windows.last_cell[window];
    const unsigned ballot = __ballot_sync(0xffffffffu, holds);
    if (lane == 0) counts[warp] = __popc(ballot);
    __syncthreads();
    int place = __popc(ballot & ((1u << lane) - 1)), count = 0;
    for (int w = 0; w < kGradientThreads / 32; ++w) {
      if (w < warp) place += counts[w];
      count += counts[w];
    }
    if (holds) holding[place] = window;
    __syncthreads();
    for (int i = threadIdx.x; i < size && (count > 0 || base == 0); i += kGradientThreads) {
      S sum = base == 0 ? S(0) : gradient[i];
      for (int w = 0; w < count; ++w) {
        const int64_t at = int64_t{holding[w]} * num_slices + first_slice;
        const float weight = window_weights[at + i / dim];
        if (weight != 0) sum += to_sum(grad_means[at * dim + i]) * (S(1) / weight);
      }
      gradient[i] = sum;
    }
    __syncthreads();
  }
}

constexpr int kRowWarps = 4;
constexpr int kRowColumns = 8;  // that one lane sums at a time

// One table row's gradient, in one warp. Lane s counts slices s and s + 32 of the pass over a run
// of events in one cell; then the counted slices' gradients are added.
template <typename T>
struct RowGradient {
  using S = typename SumOf<T>::type;
  const SliceEvents& events;
  const S* cell_gradients;
  SlicePass pass;
  uint64_t weighted;
  int lane, first_column;
  float counted[2];
  S sums[kRowColumns];

  __device__ void count(uint64_t bits, float weight) {
#pragma unroll
    for (int h = 0; h < 2; ++h) {
      const int slice = lane + 32 * h;
      if (bits >> slice & 1) counted[h] += weighted >> slice & 1 ? weight : 1.0f;
    }
  }

  __device__ void add_run(int cell) {
    const S* gradient =
        cell_gradients + (int64_t{cell} * events.num_slices() + pass.first) * events.dim;
#pragma unroll
    for (int h = 0; h < 2; ++h) {
      for (unsigned left = __ballot_sync(0xffffffffu, counted[h] != 0); left != 0;
           left &= left - 1) {
        const int slice = __ffs(left) - 1;
        const float weight = __shfl_sync(0xffffffffu, counted[h], slice);
        const S* row = gradient + int64_t{slice + 32 * h} * events.dim;
#pragma unroll
        for (int c = 0; c < kRowColumns; ++c) {
          const int d = first_column + c * 32 + lane;
          if (d < events.dim) sums[c] += weight * row[d];
        }
      }
      counted[h] = 0;
    }
  }

  __device__ void add_events(const int64_t* order, int64_t begin, int64_t end,
                             const int32_t* event_cell) {
    int run = -1;
    for (int64_t base = begin; base < end; base += 32) {
      int cell = -1;
      uint64_t bits = 0;
      float weight = 1;
      if (base + lane < end) {
        const int event = static_cast<int>(order[base + lane]);
        cell = event_cell[event];
        bits = event_bits(events, event, pass);
        if (events.weights != nullptr) weight = events.weights[event];
      }
      for (int i = 0; i < 32 && base + i < end; ++i) {
        const int event_cell_i = __shfl_sync(0xffffffffu, cell, i);
        if (event_cell_i < 0) continue;
        if (event_cell_i != run && run >= 0) add_run(run);
        run = event_cell_i;
        count(__shfl_sync(0xffffffffu, bits, i), __shfl_sync(0xffffffffu, weight, i));
      }
    }
    if (run >= 0) add_run(run);
  }
};

struct GradTables {
  void* tables[kMaxSliceGroups];
};

template <typename T>
__global__ void __launch_bounds__(kRowWarps * 32)
    table_gradients_kernel(const __grid_constant__ SliceEvents events,
                           const __grid_constant__ SliceRowEvents rows,
                           const typename SumOf<T>::type* cell_gradients,
                           const __grid_constant__ GradTables grads) {
  using S = typename SumOf<T>::type;
  const int group = blockIdx.y;
  const int64_t row = int64_t{blockIdx.x} * kRowWarps + threadIdx.x / 32;
  if (row >= events.num_rows[group]) return;
  const int64_t begin = rows.offsets[group][row], end = rows.offsets[group][row + 1];
  const int lane = threadIdx.x % 32;
  const int num_slices = events.slice_offsets[group + 1] - events.slice_offsets[group];
  T* out = static_cast<T*>(grads.tables[group]) + row * events.dim;
  for (int column = 0; column < events.dim; column += 32 * kRowColumns) {
    RowGradient<T> gradient{events, cell_gradients, {}, 0, lane, column, {}, {}};
    for (int pass = 0; begin < end && pass * kMaxPassSlices < num_slices; ++pass) {
      gradient.pass = pass_of(events, group, pass, kMaxPassSlices);
      gradient.weighted = events.weights == nullptr
                              ? 0
                              : slice_bits(events.weighted, events.num_words, gradient.pass);
      gradient.add_events(rows.order[group], begin, end, rows.event_cell);
    }
#pragma unroll
    for (int c = 0; c < kRowColumns; ++c) {
      const int d = column + c * 32 + lane;
      if (d < events.dim) out[d] = from_sum<T>(S(gradient.sums[c]));
    }
  }
}

// ----------------------------------------------------------------------------------- launches

int largest_group(const SliceEvents& events) {
  int largest = 0;
  for (int g = 0; g < events.num_groups; ++g) {
    largest = std::max(largest, events.slice_offsets[g + 1] - events.slice_offsets[g]);
  }
  return largest;
}

bool takes_tensor_cores(const SliceEvents& events) {
  if (events.type != ScalarType::kBFloat16 && events.type != ScalarType::kFloat16) return false;
  if (events.dim % 8 != 0) return false;
  for (int g = 0; g < events.num_groups; ++g) {
    if (reinterpret_cast<uintptr_t>(events.tables[g]) % 16 != 0) return false;
  }
  return true;
}

template <typename T, int kColumns, int kTiles>
void launch_cells(const SliceEvents& events, const SliceCells& cells, float* cell_sums,
                  float* cell_weights, cudaStream_t stream) {
  const auto kernel = cells_kernel<T, kColumns, kTiles>;
  constexpr int kBytes = sizeof(TensorCoreMemory<kColumns>);
  ONEFOLD_CUDA_CHECK(
      cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, kBytes));
  const int passes = (largest_group(events) + kTiles * 16 - 1) / (kTiles * 16);
  const dim3 grid(cells.num_cells * events.num_groups, (events.dim + kColumns - 1) / kColumns,
                  passes);
  kernel<<<grid, kColumns, kBytes, stream>>>(events, cells, cell_sums, cell_weights);
  ONEFOLD_CUDA_CHECK_LAUNCH();
}

template <typename T, int kColumns>
void launch_cells(const SliceEvents& events, const SliceCells& cells, float* cell_sums,
                  float* cell_weights, cudaStream_t stream) {
  const int largest = largest_group(events);
  if (largest <= 16) {
    launch_cells<T, kColumns, 1>(events, cells, cell_sums, cell_weights, stream);
  } else if (largest <= 32) {
    launch_cells<T, kColumns, 2>(events, cells, cell_sums, cell_weights, stream);
  } else {
    launch_cells<T, kColumns, 4>(events, cells, cell_sums, cell_weights, stream);
  }
}

template <typename T>
void launch_cells_any(const SliceEvents& events, const SliceCells& cells, void* cell_sums,
                      float* cell_weights, cudaStream_t stream) {
  const dim3 grid(cells.num_cells * events.num_groups, (events.dim + kAnyThreads - 1) / kAnyThreads,
                  (largest_group(events) + kAnyPass - 1) / kAnyPass);
  cells_any_kernel<T><<<grid, kAnyThreads, 0, stream>>>(
      events, cells, static_cast<typename SumOf<T>::type*>(cell_sums), cell_weights);
  ONEFOLD_CUDA_CHECK_LAUNCH();
}

}  // namespace

void multi_slice_cells_cuda(const SliceEvents& events, const SliceCells& cells, void* cell_sums,
                            float* cell_weights, Stream stream_pointer) {
  const auto stream = static_cast<cudaStream_t>(stream_pointer);
  if (events.num_slices() == 0) return;
  with_cuda_element(events.type, [&]<typename T>(T) {
    if constexpr (sizeof(T) == 2) {
      if (takes_tensor_cores(events)) {
        float* sums = static_cast<float*>(cell_sums);
        if (events.dim <= 64) return launch_cells<T, 64>(events, cells, sums, cell_weights, stream);
        if (events.dim <= 128) {
          return launch_cells<T, 128>(events, cells, sums, cell_weights, stream);
        }
        return launch_cells<T, 256>(events, cells, sums, cell_weights, stream);
      }
    }
    launch_cells_any<T>(events, cells, cell_sums, cell_weights, stream);
  });
}

void multi_slice_means_cuda(const SliceEvents& events, const SliceCells& cells,
                            const SliceWindows& windows, const void* cell_sums,
                            const float* cell_weights, void* means, float* window_weights,
                            Stream stream) {
  const dim3 grid(windows.num_windows, events.num_slices());
  const int threads = std::min(256, (events.dim + 31) / 32 * 32);
  with_cuda_element(events.type, [&]<typename T>(T) {
    means_kernel<T><<<grid, threads, 0, static_cast<cudaStream_t>(stream)>>>(
        cells, windows, events.num_slices(), events.dim,
        static_cast<const typename SumOf<T>::type*>(cell_sums), cell_weights,
        static_cast<T*>(means), window_weights);
    ONEFOLD_CUDA_CHECK_LAUNCH();
  });
}

void multi_slice_cell_gradients_cuda(const SliceEvents& events, const SliceCells& cells,
                                     const SliceWindows& windows, const void* grad_means,
                                     const float* window_weights, void* cell_gradients,
                                     Stream stream) {
  const dim3 grid(cells.num_cells, events.num_groups);
  with_cuda_element(events.type, [&]<typename T>(T) {
    cell_gradients_kernel<T><<<grid, kGradientThreads, 0, static_cast<cudaStream_t>(stream)>>>(
        events, cells, windows, static_cast<const T*>(grad_means), window_weights,
        static_cast<typename SumOf<T>::type*>(cell_gradients));
    ONEFOLD_CUDA_CHECK_LAUNCH();
  });
}

void multi_slice_table_gradients_cuda(const SliceEvents& events, const SliceRowEvents& rows,
                                      const void* cell_gradients, void* const* grad_tables,
                                      Stream stream) {
  GradTables grads{};
  int64_t most_rows = 0;
  for (int g = 0; g < events.num_groups; ++g) {
    grads.tables[g] = grad_tables[g];
    most_rows = std::max(most_rows, events.num_rows[g]);
  }
  if (most_rows == 0 || events.dim == 0) return;
  const dim3 grid((most_rows + kRowWarps - 1) / kRowWarps, events.num_groups);
  with_cuda_element(events.type, [&]<typename T>(T) {
    table_gradients_kernel<T><<<grid, kRowWarps * 32, 0, static_cast<cudaStream_t>(stream)>>>(
        events, rows, static_cast<const typename SumOf<T>::type*>(cell_gradients), grads);
    ONEFOLD_CUDA_CHECK_LAUNCH();
  });
}

}  // namespace onefold
