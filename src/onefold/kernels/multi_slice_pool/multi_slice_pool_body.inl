// SPDX-License-Identifier: Apache-2.0
// The vector body of multi_slice_cells, over `Floats` of the including file (AVX2 or AVX-512).
//
// A row is converted into registers once (256 columns are 16 AVX-512 registers) and added from
// there to the sums of every slice in its mask; the sums of a group's slices stay in L1. Rows are
// prefetched kPrefetchRows ahead, so memory works while the adds run.
namespace onefold {
namespace {

constexpr int kRowRegisters = Floats::kRegisters / 2;
constexpr int kRowColumns = kRowRegisters * Floats::kLanes;
constexpr int kBlockEvents = 1024;
constexpr int kPrefetchRows = 32;

// The events of a cell that one pass adds, in order.
template <typename T>
struct EventBlock {
  int count = 0;
  const T* rows[kBlockEvents];
  uint64_t masks[kBlockEvents];  // bit s: slice `first + s` of the pass
  float weights[kBlockEvents];
};

// At most 64 slices of one group.
struct SlicePass {
  int32_t group;
  int32_t first;      // first slice
  int32_t count;      // number of slices, <= 64
  uint64_t weighted;  // bit s: slice `first + s` is weighted
};

// Bits [first, first + count) of a mask of num_words words; count <= 64.
uint64_t bits_of(const uint64_t* words, int32_t num_words, int32_t first, int32_t count) {
  const int32_t word = first / 64;
  const int32_t shift = first % 64;
  uint64_t bits = words[word] >> shift;
  if (shift != 0 && word + 1 < num_words) bits |= words[word + 1] << (64 - shift);
  return count == 64 ? bits : bits & ((uint64_t{1} << count) - 1);
}

// Fills `block` from event `next` on; returns the event after the last one looked at.
template <typename T>
int64_t collect(const SliceEvents& events, const SlicePass& pass, int64_t next, int64_t end,
                EventBlock<T>& block) {
  const auto* masks = reinterpret_cast<const uint64_t*>(events.masks);
  const T* table = static_cast<const T*>(events.tables[pass.group]);
  const int64_t* ids = events.ids[pass.group];
  int count = 0;
  while (next < end && count < kBlockEvents) {
    const uint64_t mask =
        bits_of(masks + next * events.num_words, events.num_words, pass.first, pass.count);
    const int64_t id = ids[next];
    block.rows[count] = table + id * events.dim;
    block.masks[count] = mask;
    block.weights[count] = events.weights == nullptr ? 1.0f : events.weights[next];
    count += mask != 0 && id >= 0 ? 1 : 0;
    ++next;
  }
  block.count = count;
  return next;
}

template <typename T>
void prefetch_row(const T* row, int64_t dim) {
  const char* bytes = reinterpret_cast<const char*>(row);
  for (int64_t i = 0; i < dim * int64_t{sizeof(T)}; i += 64) _mm_prefetch(bytes + i, _MM_HINT_T1);
}

// sums[s * dim ..] += (weight *) row for every slice s of the masks, kCount registers of columns.
// Where `totals` is given, totals[s] += weight in the same walk: the length of a mask's walk is
// random, so each walk costs a branch miss.
template <int kCount, typename T>
void add_row(const T* row, uint64_t plain, uint64_t weighted, float weight, int64_t dim,
             float* sums, float* totals) {
  typename Floats::Register x[kCount];
#pragma GCC unroll 16
  for (int r = 0; r < kCount; ++r) x[r] = Floats::load(row + r * Floats::kLanes);
  for (; plain != 0; plain &= plain - 1) {
    const int slice = __builtin_ctzll(plain);
    if (totals != nullptr) totals[slice] += 1.0f;
    float* out = sums + slice * dim;
#pragma GCC unroll 16
    for (int r = 0; r < kCount; ++r) {
      float* lanes = out + r * Floats::kLanes;
      Floats::store(lanes, Floats::add(Floats::load(lanes), x[r]));
    }
  }
  const auto w = Floats::broadcast(weight);
  for (; weighted != 0; weighted &= weighted - 1) {
    const int slice = __builtin_ctzll(weighted);
    if (totals != nullptr) totals[slice] += weight;
    float* out = sums + slice * dim;
#pragma GCC unroll 16
    for (int r = 0; r < kCount; ++r) {
      float* lanes = out + r * Floats::kLanes;
      Floats::store(lanes, Floats::fma(w, x[r], Floats::load(lanes)));
    }
  }
}

// The last columns, fewer than a register.
template <typename T>
void add_row_tail(const T* row, uint64_t plain, uint64_t weighted, float weight, int64_t dim,
                  int64_t columns, float* sums, float* totals) {
  T padded[Floats::kLanes] = {};
  for (int64_t d = 0; d < columns; ++d) padded[d] = row[d];
  float x[Floats::kLanes];
  Floats::store(x, Floats::load(padded));
  const uint64_t all = plain | weighted;
  for (uint64_t mask = all; mask != 0; mask &= mask - 1) {
    const int slice = __builtin_ctzll(mask);
    const float factor = ((weighted >> slice) & 1) != 0 ? weight : 1.0f;
    if (totals != nullptr) totals[slice] += factor;
    float* out = sums + slice * dim;
    for (int64_t d = 0; d < columns; ++d) out[d] += factor * x[d];
  }
}

template <typename T>
void add_event(const T* row, uint64_t plain, uint64_t weighted, float weight, int64_t dim,
               float* sums, float* totals) {
  int64_t d = 0;
  for (; d + kRowColumns <= dim; d += kRowColumns) {
    add_row<kRowRegisters>(row + d, plain, weighted, weight, dim, sums + d,
                           d == 0 ? totals : nullptr);
  }
  for (; d + 4 * Floats::kLanes <= dim; d += 4 * Floats::kLanes) {
    add_row<4>(row + d, plain, weighted, weight, dim, sums + d, d == 0 ? totals : nullptr);
  }
  for (; d + Floats::kLanes <= dim; d += Floats::kLanes) {
    add_row<1>(row + d, plain, weighted, weight, dim, sums + d, d == 0 ? totals : nullptr);
  }
  if (d == dim) return;
  add_row_tail(row + d, plain, weighted, weight, dim, dim - d, sums + d, d == 0 ? totals : nullptr);
}

template <typename T>
void add_block(const SlicePass& pass, const EventBlock<T>& block, int64_t dim, float* sums,
               float* totals) {
  for (int i = 0; i < kPrefetchRows && i < block.count; ++i) prefetch_row(block.rows[i], dim);
  for (int i = 0; i < block.count; ++i) {
    if (i + kPrefetchRows < block.count) prefetch_row(block.rows[i + kPrefetchRows], dim);
    add_event(block.rows[i], block.masks[i] & ~pass.weighted, block.masks[i] & pass.weighted,
              block.weights[i], dim, sums, totals);
  }
}

template <typename T>
void add_pass(const SliceEvents& events, const SlicePass& pass, int64_t begin, int64_t end,
              float* sums, float* totals) {
  const int64_t size = int64_t{pass.count} * events.dim;
  for (int64_t i = 0; i < size; ++i) sums[i] = 0.0f;
  for (int32_t s = 0; s < pass.count; ++s) totals[s] = 0.0f;
  EventBlock<T> block;
  for (int64_t next = begin; next < end;) {
    next = collect(events, pass, next, end, block);
    add_block(pass, block, events.dim, sums, totals);
  }
}

template <typename T>
void add_items(const SliceEvents& events, const SliceCells& cells, float* cell_sums,
               float* cell_weights, int64_t begin, int64_t end) {
  const int64_t num_slices = events.slice_offsets[events.num_groups];
  for (int64_t item = begin; item < end; ++item) {
    const int64_t cell = item / events.num_groups;
    const int32_t group = static_cast<int32_t>(item % events.num_groups);
    if (cells.begin[cell] == cells.end[cell]) continue;
    const int32_t last = events.slice_offsets[group + 1];
    for (int32_t first = events.slice_offsets[group]; first < last; first += 64) {
      const int32_t count = last - first < 64 ? last - first : 64;
      const uint64_t weighted =
          events.weights == nullptr ? 0 : bits_of(events.weighted, events.num_words, first, count);
      const int64_t slice = cell * num_slices + first;
      add_pass<T>(events, {group, first, count, weighted}, cells.begin[cell], cells.end[cell],
                  cell_sums + slice * events.dim, cell_weights + slice);
    }
  }
}

void add_items(const SliceEvents& events, const SliceCells& cells, float* cell_sums,
               float* cell_weights, int64_t begin, int64_t end) {
  if (events.type == ScalarType::kBFloat16) {
    add_items<BFloat16>(events, cells, cell_sums, cell_weights, begin, end);
  } else if (events.type == ScalarType::kFloat16) {
    add_items<Float16>(events, cells, cell_sums, cell_weights, begin, end);
  } else {
    add_items<float>(events, cells, cell_sums, cell_weights, begin, end);
  }
}

}  // namespace
}  // namespace onefold
