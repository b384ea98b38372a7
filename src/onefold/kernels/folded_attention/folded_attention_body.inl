// SPDX-License-Identifier: Apache-2.0
// The vector body of folded attention, over `Floats` of the including file (AVX2 or AVX-512).
//
// Lanes are the samples of one row, so a softmax over keys needs no horizontal step, and keys are
// read as they lie. Scores are kept transposed, [key][sample]. Every product is one small matrix
// product (simd/small_matrix.inl), so a sample's result has the same bits whether its row is shared
// by one sample or by a thousand.
namespace onefold {
namespace {

constexpr int kQueries = 32;  // samples of a tile: two AVX-512 registers
constexpr int kKeys = 64;     // keys of a tile
constexpr float kLog2E = 1.44269504088896340736f;
constexpr float kLn2 = 0.69314718055994530942f;

// 2^x to float accuracy: x = n + f with |f| <= 1/2, a degree-6 polynomial for 2^f (its error is
// below 1e-7 of the value) and the exponent for 2^n. 2^-infinity is 0.
typename Floats::Register exp2(typename Floats::Register x) {
  x = Floats::max(x, Floats::broadcast(-160.0f));
  const auto n = Floats::round(x);
  const auto f = Floats::subtract(x, n);
  auto p = Floats::broadcast(1.540353039e-4f);
  p = Floats::fma(p, f, Floats::broadcast(1.333355815e-3f));
  p = Floats::fma(p, f, Floats::broadcast(9.618129107e-3f));
  p = Floats::fma(p, f, Floats::broadcast(5.550410866e-2f));
  p = Floats::fma(p, f, Floats::broadcast(2.402265070e-1f));
  p = Floats::fma(p, f, Floats::broadcast(6.931471806e-1f));
  p = Floats::fma(p, f, Floats::broadcast(1.0f));
  return Floats::scale_by_power(p, n);
}

// Columns [dim][stride] of `count` rows [count][width] times factor, with zeros up to `lanes`
// columns, a whole number of registers; width is dim rounded up to whole registers.
void transpose_rows(const float* rows, int width, int count, int lanes, float factor, int dim,
                    float* columns, int stride) {
  const auto scale = Floats::broadcast(factor);
  for (int i = 0; i < lanes; i += Floats::kLanes) {
    for (int d = 0; d < dim; d += Floats::kLanes) {
      typename Floats::Register block[Floats::kLanes];
#pragma GCC unroll 16
      for (int j = 0; j < Floats::kLanes; ++j) {
        block[j] = i + j < count ? Floats::load(rows + (i + j) * width + d) : Floats::zero();
      }
      Floats::transpose(block);
      const int columns_here = dim - d < Floats::kLanes ? dim - d : Floats::kLanes;
      for (int j = 0; j < columns_here; ++j) {
        Floats::store(columns + (d + j) * stride + i, Floats::multiply(block[j], scale));
      }
    }
  }
}

// One head of one row, and where its parts lie.
template <typename T>
struct RowHead {
  const FoldedAttention& shape;
  int head;
  int dim;
  int width;  // head_dim rounded up to whole registers
  int first_key;
  int num_keys;
  int first_place;
  int num_places;

  RowHead(const FoldedAttention& s, int64_t item)
      : shape(s),
        head(static_cast<int>(item % s.num_heads)),
        dim(s.head_dim),
        width(round_up(s.head_dim)) {
    const int64_t row = item / s.num_heads;
    first_key = s.key_offsets[row];
    num_keys = s.key_offsets[row + 1] - first_key;
    first_place = s.sample_offsets[row];
    num_places = s.sample_offsets[row + 1] - first_place;
  }

  int64_t sample(int place) const {
    const int64_t at = first_place + place;
    return shape.samples == nullptr ? at : shape.samples[at];
  }
  int64_t flat(int64_t row) const { return row * shape.num_heads + head; }
  // Of `tensor` [rows, stride], the part of this head in row `row`.
  const T* part(const void* tensor, int64_t row, int64_t stride) const {
    return static_cast<const T*>(tensor) + row * stride + int64_t{head} * dim;
  }
  // Keys that no sample before place + count sees.
  int num_visible(int place, int count) const {
    if (!shape.causal) return num_keys;
    return num_keys < place + count ? num_keys : place + count;
  }
};

// Rows [first, first + count) of keys or values as floats.
template <typename T>
void load_keys(const RowHead<T>& at, const void* tensor, int64_t stride, int first, int count,
               float* out) {
  for (int i = 0; i < count; ++i) {
    convert_row(at.part(tensor, at.first_key + first + i, stride), at.dim, out + i * at.width);
  }
}

// The same, where they lie if that can be: floats in whole registers; else converted into
// `scratch`.
template <typename T>
Rows key_rows(const RowHead<T>& at, const void* tensor, int64_t stride, int first, int count,
              float* scratch) {
  load_keys(at, tensor, stride, first, count, scratch);
  return {scratch, at.width};
}
Rows key_rows(const RowHead<float>& at, const void* tensor, int64_t stride, int first, int count,
              float* scratch) {
  if (at.dim == at.width) {
    return {at.part(tensor, at.first_key + first, stride), static_cast<int>(stride)};
  }
  load_keys(at, tensor, stride, first, count, scratch);
  return {scratch, at.width};
}

// `count` samples from `place` on: `rows` [count][width], and columns [dim][kQueries] times factor
// with zeros for the lanes of the last register past `count`.
template <typename T>
void load_samples(const RowHead<T>& at, const void* tensor, int64_t stride, int place, int count,
                  float factor, float* rows, float* columns) {
  for (int i = 0; i < count; ++i) {
    convert_row(at.part(tensor, at.sample(place + i), stride), at.dim, rows + i * at.width);
  }
  transpose_rows(rows, at.width, count, round_up(count), factor, at.dim, columns, kQueries);
}

// Hides keys after a sample's own position: score 2^-infinity.
template <typename T>
void mask_causal(const RowHead<T>& at, int first_key, int keys, int place, int count,
                 float* scores) {
  if (!at.shape.causal || first_key + keys <= place) return;
  for (int i = 0; i < keys; ++i) {
    for (int j = 0; j < count && place + j < first_key + i; ++j) {
      scores[i * kQueries + j] = -__builtin_inff();
    }
  }
}

// One softmax step for one register of samples: turns scores (in powers of two) of `keys` keys into
// weights against the running maximum; returns the factor for what was summed before.
void softmax_step(float* scores, int keys, float* maximum, float* total, float* factor) {
  const auto before = Floats::load(maximum);
  auto highest = before;
  for (int i = 0; i < keys; ++i)
    highest = Floats::max(highest, Floats::load(scores + i * kQueries));
  // A lane that has seen nothing yet keeps -infinity; subtract a finite number from it.
  const auto base = Floats::max(highest, Floats::broadcast(-1e30f));
  const auto shrink = exp2(Floats::subtract(Floats::max(before, Floats::broadcast(-1e30f)), base));
  auto sum = Floats::multiply(Floats::load(total), shrink);
  for (int i = 0; i < keys; ++i) {
    const auto weight = exp2(Floats::subtract(Floats::load(scores + i * kQueries), base));
    Floats::store(scores + i * kQueries, weight);
    sum = Floats::add(sum, weight);
  }
  Floats::store(maximum, highest);
  Floats::store(total, sum);
  Floats::store(factor, shrink);
}

template <typename T>
struct ForwardTile {
  alignas(64) float query_columns[kMaxVectorHeadDim * kQueries];
  alignas(64) float rows[kKeys * kMaxVectorHeadDim];  // queries, then keys, then values
  alignas(64) float scores[kKeys * kQueries];
  alignas(64) float sums[kQueries * kMaxVectorHeadDim];
  alignas(64) float maximum[kQueries];
  alignas(64) float total[kQueries];
  alignas(64) float factor[kQueries];
};

template <typename T>
void forward_keys(const RowHead<T>& at, const void* key, const void* value, int place, int count,
                  int first, int keys, ForwardTile<T>& tile) {
  const int lanes = round_up(count);
  const Rows k = key_rows(at, key, at.shape.key_stride, first, keys, tile.rows);
  multiply<Into::kSet>(k, tile.query_columns, kQueries, tile.scores, kQueries, keys, lanes, at.dim);
  mask_causal(at, first, keys, place, count, tile.scores);
  for (int j = 0; j < lanes; j += Floats::kLanes) {
    softmax_step(tile.scores + j, keys, tile.maximum + j, tile.total + j, tile.factor + j);
  }
  for (int j = 0; j < count; ++j) {
    if (tile.factor[j] == 1.0f) continue;
    const auto factor = Floats::broadcast(tile.factor[j]);
    for (int d = 0; d < at.width; d += Floats::kLanes) {
      float* sum = tile.sums + j * at.width + d;
      Floats::store(sum, Floats::multiply(Floats::load(sum), factor));
    }
  }
  const Rows v = key_rows(at, value, at.shape.value_stride, first, keys, tile.rows);
  multiply<Into::kAdd>(Columns{tile.scores, kQueries}, v.data, v.stride, tile.sums, at.width, count,
                       at.width, keys);
}

template <typename T>
void forward_tile(const RowHead<T>& at, const void* query, const void* key, const void* value,
                  int place, int count, T* output, float* logsumexp, ForwardTile<T>& tile) {
  load_samples(at, query, at.shape.query_stride, place, count,
               static_cast<float>(at.shape.scale) * kLog2E, tile.rows, tile.query_columns);
  clear(tile.sums, count * at.width);
  clear(tile.total, kQueries);
  for (int j = 0; j < kQueries; ++j) tile.maximum[j] = -__builtin_inff();
  const int visible = at.num_visible(place, count);
  for (int first = 0; first < visible; first += kKeys) {
    const int keys = visible - first < kKeys ? visible - first : kKeys;
    forward_keys(at, key, value, place, count, first, keys, tile);
  }
  for (int j = 0; j < count; ++j) {
    const int64_t sample = at.sample(place + j);
    const float total = tile.total[j];
    store_row(tile.sums + j * at.width, total == 0.0f ? 0.0f : 1.0f / total, at.dim,
              output + at.flat(sample) * at.dim);
    logsumexp[at.flat(sample)] = tile.maximum[j] * kLn2 + __builtin_logf(total);
  }
}

template <typename T>
void forward_items(const FoldedAttention& shape, const void* query, const void* key,
                   const void* value, T* output, float* logsumexp, int64_t begin, int64_t end) {
  ForwardTile<T> tile;
  for (int64_t item = begin; item < end; ++item) {
    const RowHead<T> at(shape, item);
    for (int place = 0; place < at.num_places; place += kQueries) {
      const int count = at.num_places - place < kQueries ? at.num_places - place : kQueries;
      forward_tile(at, query, key, value, place, count, output, logsumexp, tile);
    }
  }
}

template <typename T>
struct BackwardTile {
  alignas(64) float query_columns[kMaxVectorHeadDim * kQueries];
  alignas(64) float grad_columns[kMaxVectorHeadDim * kQueries];
  alignas(64) float query[kQueries * kMaxVectorHeadDim];
  alignas(64) float grad[kQueries * kMaxVectorHeadDim];
  alignas(64) float grad_query[kQueries * kMaxVectorHeadDim];
  alignas(64) float key[kKeys * kMaxVectorHeadDim];
  alignas(64) float value[kKeys * kMaxVectorHeadDim];
  alignas(64) float grad_key[kKeys * kMaxVectorHeadDim];
  alignas(64) float grad_value[kKeys * kMaxVectorHeadDim];
  alignas(64) float weights[kKeys * kQueries];
  alignas(64) float grad_scores[kKeys * kQueries];
  alignas(64) float logsumexp[kQueries];  // in powers of two
  alignas(64) float delta[kQueries];
};

// What the backward pass needs of `count` samples.
template <typename T>
void backward_samples(const RowHead<T>& at, const FoldedAttentionGradient& tensors, int place,
                      int count, BackwardTile<T>& tile) {
  const int64_t stride = int64_t{at.shape.num_heads} * at.dim;
  load_samples(at, tensors.query, at.shape.query_stride, place, count,
               static_cast<float>(at.shape.scale) * kLog2E, tile.query, tile.query_columns);
  load_samples(at, tensors.grad_output, stride, place, count, 1.0f, tile.grad, tile.grad_columns);
  clear(tile.delta, kQueries);
  for (int j = 0; j < kQueries; ++j) tile.logsumexp[j] = 1e30f;  // weight 0 in unused lanes
  for (int j = 0; j < count; ++j) {
    const int64_t sample = at.sample(place + j);
    float* output = tile.grad_query;  // not in use yet
    convert_row(at.part(tensors.output, sample, stride), at.dim, output);
    auto sum = Floats::zero();
    for (int d = 0; d < at.width; d += Floats::kLanes) {
      sum = Floats::fma(Floats::load(output + d), Floats::load(tile.grad + j * at.width + d), sum);
    }
    tile.delta[j] = Floats::sum(sum);
    const float logsumexp = static_cast<const float*>(tensors.logsumexp)[at.flat(sample)];
    tile.logsumexp[j] = logsumexp == -__builtin_inff() ? 1e30f : logsumexp * kLog2E;
  }
}

// Weights and score gradients of a tile, from keys, values and loaded samples.
template <typename T>
void backward_scores(const RowHead<T>& at, int place, int count, int first, int keys, Rows key,
                     Rows value, BackwardTile<T>& tile) {
  const int lanes = round_up(count);
  multiply<Into::kSet>(key, tile.query_columns, kQueries, tile.weights, kQueries, keys, lanes,
                       at.dim);
  multiply<Into::kSet>(value, tile.grad_columns, kQueries, tile.grad_scores, kQueries, keys, lanes,
                       at.dim);
  mask_causal(at, first, keys, place, count, tile.weights);
  const auto scale = Floats::broadcast(static_cast<float>(at.shape.scale));
  for (int j = 0; j < lanes; j += Floats::kLanes) {
    const auto logsumexp = Floats::load(tile.logsumexp + j);
    const auto delta = Floats::load(tile.delta + j);
    for (int i = 0; i < keys; ++i) {
      float* weight = tile.weights + i * kQueries + j;
      float* grad = tile.grad_scores + i * kQueries + j;
      const auto w = exp2(Floats::subtract(Floats::load(weight), logsumexp));
      Floats::store(weight, w);
      const auto slope = Floats::subtract(Floats::load(grad), delta);
      Floats::store(grad, Floats::multiply(Floats::multiply(w, slope), scale));
    }
  }
}

template <typename T>
void add_grad_query(const RowHead<T>& at, int count, int keys, Rows key, BackwardTile<T>& tile) {
  multiply<Into::kAdd>(Columns{tile.grad_scores, kQueries}, key.data, key.stride, tile.grad_query,
                       at.width, count, at.width, keys);
}

template <typename T>
void store_grad_query(const RowHead<T>& at, const FoldedAttentionGradient& tensors, int place,
                      int count, const BackwardTile<T>& tile) {
  for (int j = 0; j < count; ++j) {
    store_row(tile.grad_query + j * at.width, 1.0f, at.dim,
              static_cast<T*>(tensors.grad_query) + at.flat(at.sample(place + j)) * at.dim);
  }
}

// Gradients of keys and values, tile by tile of keys. Where one tile holds all samples the query
// gradient is added up on the way.
template <typename T>
void backward_keys(const RowHead<T>& at, const FoldedAttentionGradient& tensors,
                   BackwardTile<T>& tile) {
  const bool one_tile = at.num_places <= kQueries;
  if (one_tile && at.num_places > 0) backward_samples(at, tensors, 0, at.num_places, tile);
  clear(tile.grad_query, kQueries * at.width);
  for (int first = 0; first < at.num_keys; first += kKeys) {
    const int keys = at.num_keys - first < kKeys ? at.num_keys - first : kKeys;
    const Rows key = key_rows(at, tensors.key, at.shape.key_stride, first, keys, tile.key);
    const Rows value = key_rows(at, tensors.value, at.shape.value_stride, first, keys, tile.value);
    clear(tile.grad_key, keys * at.width);
    clear(tile.grad_value, keys * at.width);
    for (int place = 0; place < at.num_places; place += kQueries) {
      const int count = at.num_places - place < kQueries ? at.num_places - place : kQueries;
      if (at.num_visible(place, count) <= first) continue;
      if (!one_tile) backward_samples(at, tensors, place, count, tile);
      backward_scores(at, place, count, first, keys, key, value, tile);
      multiply<Into::kAdd>(Rows{tile.weights, kQueries}, tile.grad, at.width, tile.grad_value,
                           at.width, keys, at.width, count);
      multiply<Into::kAdd>(Rows{tile.grad_scores, kQueries}, tile.query, at.width, tile.grad_key,
                           at.width, keys, at.width, count);
      if (one_tile) add_grad_query(at, count, keys, key, tile);
    }
    for (int i = 0; i < keys; ++i) {
      const int64_t out = at.flat(at.first_key + first + i) * at.dim;
      store_row(tile.grad_key + i * at.width, 1.0f, at.dim,
                static_cast<T*>(tensors.grad_key) + out);
      store_row(tile.grad_value + i * at.width, 1.0f, at.dim,
                static_cast<T*>(tensors.grad_value) + out);
    }
  }
  if (one_tile) store_grad_query(at, tensors, 0, at.num_places, tile);
}

template <typename T>
void backward_queries(const RowHead<T>& at, const FoldedAttentionGradient& tensors,
                      BackwardTile<T>& tile) {
  for (int place = 0; place < at.num_places; place += kQueries) {
    const int count = at.num_places - place < kQueries ? at.num_places - place : kQueries;
    backward_samples(at, tensors, place, count, tile);
    clear(tile.grad_query, kQueries * at.width);
    const int visible = at.num_visible(place, count);
    for (int first = 0; first < visible; first += kKeys) {
      const int keys = visible - first < kKeys ? visible - first : kKeys;
      const Rows key = key_rows(at, tensors.key, at.shape.key_stride, first, keys, tile.key);
      const Rows value =
          key_rows(at, tensors.value, at.shape.value_stride, first, keys, tile.value);
      backward_scores(at, place, count, first, keys, key, value, tile);
      add_grad_query(at, count, keys, key, tile);
    }
    store_grad_query(at, tensors, place, count, tile);
  }
}

// All gradients in one pass, tile by tile of samples: those of keys and values are added up where
// they are going to be. REQUIRES: head_dim in whole registers.
void backward_in_place(const RowHead<float>& at, const FoldedAttentionGradient& tensors,
                       BackwardTile<float>& tile) {
  const int stride = at.shape.num_heads * at.dim;
  float* grad_keys = static_cast<float*>(tensors.grad_key) + at.flat(at.first_key) * at.dim;
  float* grad_values = static_cast<float*>(tensors.grad_value) + at.flat(at.first_key) * at.dim;
  for (int i = 0; i < at.num_keys; ++i) {
    clear(grad_keys + int64_t{i} * stride, at.dim);
    clear(grad_values + int64_t{i} * stride, at.dim);
  }
  for (int place = 0; place < at.num_places; place += kQueries) {
    const int count = at.num_places - place < kQueries ? at.num_places - place : kQueries;
    backward_samples(at, tensors, place, count, tile);
    clear(tile.grad_query, count * at.width);
    const int visible = at.num_visible(place, count);
    for (int first = 0; first < visible; first += kKeys) {
      const int keys = visible - first < kKeys ? visible - first : kKeys;
      const Rows key = key_rows(at, tensors.key, at.shape.key_stride, first, keys, tile.key);
      const Rows value =
          key_rows(at, tensors.value, at.shape.value_stride, first, keys, tile.value);
      backward_scores(at, place, count, first, keys, key, value, tile);
      multiply<Into::kAdd>(Rows{tile.weights, kQueries}, tile.grad, at.width,
                           grad_values + int64_t{first} * stride, stride, keys, at.width, count);
      multiply<Into::kAdd>(Rows{tile.grad_scores, kQueries}, tile.query, at.width,
                           grad_keys + int64_t{first} * stride, stride, keys, at.width, count);
      add_grad_query(at, count, keys, key, tile);
    }
    store_grad_query(at, tensors, place, count, tile);
  }
}

template <typename T>
bool backward_fast(const RowHead<T>&, const FoldedAttentionGradient&, BackwardTile<T>&) {
  return false;
}
bool backward_fast(const RowHead<float>& at, const FoldedAttentionGradient& tensors,
                   BackwardTile<float>& tile) {
  if (at.dim != at.width) return false;
  backward_in_place(at, tensors, tile);
  return true;
}

template <typename T>
void backward_items(const FoldedAttention& shape, const FoldedAttentionGradient& tensors,
                    int64_t begin, int64_t end) {
  BackwardTile<T> tile;
  for (int64_t item = begin; item < end; ++item) {
    const RowHead<T> at(shape, item);
    if (backward_fast(at, tensors, tile)) continue;
    backward_keys(at, tensors, tile);
    if (at.num_places > kQueries) backward_queries(at, tensors, tile);
  }
}

void forward_items(const FoldedAttention& shape, const void* query, const void* key,
                   const void* value, void* output, float* logsumexp, int64_t begin, int64_t end) {
  if (shape.type == ScalarType::kBFloat16) {
    forward_items(shape, query, key, value, static_cast<BFloat16*>(output), logsumexp, begin, end);
  } else if (shape.type == ScalarType::kFloat16) {
    forward_items(shape, query, key, value, static_cast<Float16*>(output), logsumexp, begin, end);
  } else {
    forward_items(shape, query, key, value, static_cast<float*>(output), logsumexp, begin, end);
  }
}

void backward_items(const FoldedAttention& shape, const FoldedAttentionGradient& tensors,
                    int64_t begin, int64_t end) {
  if (shape.type == ScalarType::kBFloat16) {
    backward_items<BFloat16>(shape, tensors, begin, end);
  } else if (shape.type == ScalarType::kFloat16) {
    backward_items<Float16>(shape, tensors, begin, end);
  } else {
    backward_items<float>(shape, tensors, begin, end);
  }
}

}  // namespace
}  // namespace onefold
