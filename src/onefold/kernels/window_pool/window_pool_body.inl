// SPDX-License-Identifier: Apache-2.0
// The vector body of window_pool for float32, after simd/floats_*.h: as window_pool_scalar.cc, with
// the sums of up to 8 registers of columns, in double, kept in registers.
namespace onefold {
namespace {

// Floats::kLanes / 2 columns as doubles, and the floats they come from.
typedef double Wide __attribute__((vector_size(Floats::kLanes * 4)));
typedef float Narrow __attribute__((vector_size(Floats::kLanes * 2)));
constexpr int kWideLanes = Floats::kLanes / 2;

// A column of its own at the end of a row.
template <typename D>
D load(const float* x) {
  if constexpr (sizeof(D) == sizeof(double)) {
    return *x;
  } else {
    Narrow y;
    __builtin_memcpy(&y, x, sizeof(y));
    return __builtin_convertvector(y, Wide);
  }
}
template <typename D>
void store(float* to, D x) {
  if constexpr (sizeof(D) == sizeof(double)) {
    *to = static_cast<float>(x);
  } else {
    const Narrow y = __builtin_convertvector(x, Narrow);
    __builtin_memcpy(to, &y, sizeof(y));
  }
}
template <typename D>
D load(const double* x) {
  D y;
  __builtin_memcpy(&y, x, sizeof(y));
  return y;
}
template <typename D>
void store(double* to, D x) {
  __builtin_memcpy(to, &x, sizeof(x));
}

// kCount registers D of columns, from `column` on.
template <typename D, int kCount>
struct Columns {
  static constexpr int kStep = sizeof(D) / sizeof(double);
  const WindowPool& shape;
  const float* values;
  double* prefix;
  float* pooled;
  int64_t column;

  // sums += sign * values [begin, end) of the row at `row_values`.
  void add_values(const float* row_values, int64_t begin, int64_t end, double sign,
                  D (&sums)[kCount]) const {
    for (int64_t i = begin; i < end; ++i) {
      const float* value = row_values + i * shape.width;
#pragma GCC unroll 8
      for (int r = 0; r < kCount; ++r) sums[r] += sign * load<D>(value + r * kStep);
    }
  }

  void make_prefix(int64_t row) const {
    const int64_t begin = shape.row_offsets[row];
    const int64_t length = shape.row_offsets[row + 1] - begin;
    const float* row_values = values + begin * shape.width + column;
    double* out = prefix + (begin / kWindowBlock + row) * shape.width + column;
    D sums[kCount] = {};
    for (int64_t i = 0; i < length; i += kWindowBlock, out += shape.width) {
      for (int r = 0; r < kCount; ++r) store<D>(out + r * kStep, sums[r]);
      add_values(row_values, i, length - i < kWindowBlock ? length : i + kWindowBlock, 1, sums);
    }
  }

  void sum_window(int64_t row, int64_t window) const {
    const int64_t begin = shape.row_offsets[row];
    const int64_t start = shape.starts[window], end = start + shape.lengths[window];
    const float* row_values = values + begin * shape.width + column;
    D sums[kCount] = {};
    if (end - start <= kDirectWindow) {
      add_values(row_values, start, end, 1, sums);
    } else {
      const double* of_row = prefix + (begin / kWindowBlock + row) * shape.width + column;
      const int64_t first = start / kWindowBlock, last = end / kWindowBlock;
      const bool at_end = end == shape.row_offsets[row + 1] - begin && end % kWindowBlock == 0;
      const int64_t edge = at_end ? last - 1 : last;
      for (int r = 0; r < kCount; ++r) {
        sums[r] = load<D>(of_row + edge * shape.width + r * kStep) -
                  load<D>(of_row + first * shape.width + r * kStep);
      }
      add_values(row_values, first * kWindowBlock, start, -1, sums);
      add_values(row_values, edge * kWindowBlock, end, 1, sums);
    }
    const double scale = shape.mean && end > start ? 1.0 / static_cast<double>(end - start) : 1.0;
    float* out = pooled + window * shape.width + column;
    for (int r = 0; r < kCount; ++r) store<D>(out + r * kStep, D(sums[r] * scale));
  }

  void pool_row(int64_t row, bool any_long) const {
    if (any_long) make_prefix(row);
    for (int32_t i = shape.window_offsets[row]; i < shape.window_offsets[row + 1]; ++i) {
      sum_window(row, shape.members[i]);
    }
  }
};

void pool_rows(const WindowPool& shape, const float* values, double* prefix, float* pooled,
               int64_t begin, int64_t end) {
  for (int64_t row = begin; row < end; ++row) {
    bool any_long = false;
    for (int32_t i = shape.window_offsets[row]; i < shape.window_offsets[row + 1]; ++i) {
      any_long = any_long || shape.lengths[shape.members[i]] > kDirectWindow;
    }
    int64_t column = 0;
    for (; column + 8 * kWideLanes <= shape.width; column += 8 * kWideLanes) {
      Columns<Wide, 8>{shape, values, prefix, pooled, column}.pool_row(row, any_long);
    }
    for (; column + 4 * kWideLanes <= shape.width; column += 4 * kWideLanes) {
      Columns<Wide, 4>{shape, values, prefix, pooled, column}.pool_row(row, any_long);
    }
    for (; column + kWideLanes <= shape.width; column += kWideLanes) {
      Columns<Wide, 1>{shape, values, prefix, pooled, column}.pool_row(row, any_long);
    }
    for (; column < shape.width; ++column) {
      Columns<double, 1>{shape, values, prefix, pooled, column}.pool_row(row, any_long);
    }
  }
}

// Gradients of values [first, last) of a row, at most kWindowBlock of them, in one register of
// columns.
template <typename D>
void block_gradient(const WindowPool& shape, const float* grad_pooled, float* grad_values,
                    int64_t row, int64_t first, int64_t last, int64_t column) {
  D steps[kWindowBlock + 1] = {};
  for (int32_t i = shape.window_offsets[row]; i < shape.window_offsets[row + 1]; ++i) {
    const int64_t window = shape.members[i];
    int64_t start = shape.starts[window], end = start + shape.lengths[window];
    if (start < first) start = first;
    if (end > last) end = last;
    if (start >= end) continue;
    const double scale = shape.mean ? 1.0 / shape.lengths[window] : 1.0;
    const D part = scale * load<D>(grad_pooled + window * shape.width + column);
    steps[start - first] += part;
    steps[end - first] -= part;
  }
  D sum = {};
  for (int64_t i = first; i < last; ++i) {
    sum += steps[i - first];
    store<D>(grad_values + (shape.row_offsets[row] + i) * shape.width + column, sum);
  }
}

void spread_rows(const WindowPool& shape, const float* grad_pooled, float* grad_values,
                 int64_t begin, int64_t end) {
  for (int64_t row = begin; row < end; ++row) {
    const int64_t length = shape.row_offsets[row + 1] - shape.row_offsets[row];
    for (int64_t first = 0; first < length; first += kWindowBlock) {
      const int64_t last = length - first < kWindowBlock ? length : first + kWindowBlock;
      int64_t column = 0;
      for (; column + kWideLanes <= shape.width; column += kWideLanes) {
        block_gradient<Wide>(shape, grad_pooled, grad_values, row, first, last, column);
      }
      for (; column < shape.width; ++column) {
        block_gradient<double>(shape, grad_pooled, grad_values, row, first, last, column);
      }
    }
  }
}

}  // namespace
}  // namespace onefold
