// SPDX-License-Identifier: Apache-2.0
// The pooled forward over the Floats of one instruction set; included by embedding_avx2.cc and
// embedding_avx512.cc after simd/floats_*.h.
//
// Sums up to 8 registers of columns of a bag, with the rows of the next ids on their way from
// memory: a lookup waits for memory, not for arithmetic.

namespace onefold {
namespace {

constexpr int64_t kLanes = Floats::kLanes;
constexpr int64_t kMaxRegisters = 8;
constexpr int64_t kAhead = 24;  // ids

struct Bag {
  int64_t begin, end, out_row;
};

Bag bag_at(const LookupFeature& feature, int64_t first_id, int64_t i) {
  const int64_t begin = feature.offsets ? feature.offsets[i] : i;
  const int64_t end = feature.offsets ? feature.offsets[i + 1] : i + 1;
  return {first_id + begin, first_id + end, feature.out_first + i * feature.out_stride};
}

template <typename W, int kRegisters>
void prefetch(const W* row) {
  const char* bytes = reinterpret_cast<const char*>(row);
  constexpr int64_t kBytes = kRegisters * kLanes * sizeof(W);
  for (int64_t b = 0; b < kBytes; b += 64) _mm_prefetch(bytes + b, _MM_HINT_T0);
}

// Columns [column, column + kLanes * kRegisters) of every bag; the last register has `last` of
// them.
template <typename W, int kRegisters, bool kWhole>
void sum_columns(const EmbeddingForwardParams& p, const BagRange& bags, int64_t column,
                 int64_t last) {
  const LookupFeature& feature = p.features[bags.feature];
  const W* weights = static_cast<const W*>(p.weights) + column;
  const int64_t ids_end = bag_at(feature, bags.first_id, bags.end - 1).end;
  for (int64_t i = bags.begin; i < bags.end; ++i) {
    const Bag bag = bag_at(feature, bags.first_id, i);
    Floats::Register sums[kRegisters];
    for (int r = 0; r < kRegisters; ++r) sums[r] = Floats::zero();
    for (int64_t id = bag.begin; id < bag.end; ++id) {
      if (id + kAhead < ids_end && p.rows[id + kAhead] >= 0) {
        prefetch<W, kRegisters>(weights + p.rows[id + kAhead] * p.width);
      }
      if (p.rows[id] < 0) continue;
      const W* row = weights + p.rows[id] * p.width;
      const Floats::Register scale = Floats::broadcast(p.id_weights ? p.id_weights[id] : 1.0f);
      for (int r = 0; r < kRegisters; ++r) {
        const int64_t count = kWhole || r + 1 < kRegisters ? kLanes : last;
        sums[r] = Floats::fma(scale, load_first(row + r * kLanes, count), sums[r]);
      }
    }
    const bool mean = p.pooling == Pooling::kMean && bag.end > bag.begin;
    const Floats::Register scale =
        Floats::broadcast(mean ? 1.0f / static_cast<float>(bag.end - bag.begin) : 1.0f);
    float* out = static_cast<float*>(p.out) + bag.out_row * p.width + column;
    for (int r = 0; r < kRegisters; ++r) {
      const int64_t count = kWhole || r + 1 < kRegisters ? kLanes : last;
      store_first(out + r * kLanes, Floats::multiply(sums[r], scale), count);
    }
  }
}

void write_id_columns(const EmbeddingForwardParams& p, const BagRange& bags) {
  for (int64_t i = bags.begin; i < bags.end; ++i) {
    const Bag bag = bag_at(p.features[bags.feature], bags.first_id, i);
    const float mean =
        p.pooling == Pooling::kMean ? 1.0f / static_cast<float>(bag.end - bag.begin) : 1.0f;
    for (int64_t id = bag.begin; id < bag.end; ++id) {
      if (p.id_out != nullptr) p.id_out[id] = static_cast<int32_t>(bag.out_row);
      if (p.id_scale != nullptr) p.id_scale[id] = p.id_weights ? p.id_weights[id] : mean;
    }
  }
}

// The columns from `column` on: at most kMaxRegisters of them, the number a template argument so
// that the sums stay in registers.
template <typename W, int kRegisters = 1>
void sum_rest(const EmbeddingForwardParams& p, const BagRange& bags, int64_t column) {
  const int64_t left = p.width - column;
  if (left <= kRegisters * kLanes) {
    if (left == kRegisters * kLanes) {
      sum_columns<W, kRegisters, true>(p, bags, column, kLanes);
    } else {
      sum_columns<W, kRegisters, false>(p, bags, column, left - (kRegisters - 1) * kLanes);
    }
  } else if constexpr (kRegisters < kMaxRegisters) {
    sum_rest<W, kRegisters + 1>(p, bags, column);
  }
}

template <typename W>
void sum_bags(const EmbeddingForwardParams& p, const BagRange& bags) {
  int64_t column = 0;
  for (; p.width - column > kMaxRegisters * kLanes; column += kMaxRegisters * kLanes) {
    sum_columns<W, kMaxRegisters, true>(p, bags, column, kLanes);
  }
  sum_rest<W>(p, bags, column);
}

void forward(const EmbeddingForwardParams& params, const BagRange& bags) {
  if (bags.begin >= bags.end) return;
  if (params.id_out != nullptr || params.id_scale != nullptr) write_id_columns(params, bags);
  switch (params.weight_type) {
    case ScalarType::kFloat32:
      return sum_bags<float>(params, bags);
    case ScalarType::kBFloat16:
      return sum_bags<BFloat16>(params, bags);
    case ScalarType::kFloat16:
      return sum_bags<Float16>(params, bags);
    case ScalarType::kFloat64:
      return;  // out is float64 then, and embedding.cc picks the scalar body
  }
}

}  // namespace
}  // namespace onefold
