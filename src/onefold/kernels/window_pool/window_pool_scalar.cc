// SPDX-License-Identifier: Apache-2.0
// One row or window at a time; the inner loops run over columns, side by side in memory.
#include <algorithm>
#include <span>

#include "onefold/kernels/element.h"
#include "onefold/kernels/window_pool/window_pool.h"

namespace onefold {
namespace {

// Columns that one walk over a row handles: their sums stay in L1.
constexpr int64_t kColumns = 64;

template <typename E>
using Storage = typename E::Storage;

template <typename E>
void prefix_of_row(const WindowPool& shape, const Storage<E>* values, double* prefix, int64_t row,
                   int64_t column, int64_t columns) {
  const int64_t begin = shape.row_offsets[row];
  const int64_t length = shape.row_offsets[row + 1] - begin;
  double* out = prefix + (begin / kWindowBlock + row) * shape.width + column;
  double sums[kColumns] = {};
  for (int64_t i = 0; i < length; ++i) {
    if (i % kWindowBlock == 0) {
      std::copy(sums, sums + columns, out + i / kWindowBlock * shape.width);
    }
    const Storage<E>* value = values + (begin + i) * shape.width + column;
    for (int64_t c = 0; c < columns; ++c) sums[c] += E::load(value[c]);
  }
}

// Adds values [begin, end) of the row that starts at `row_values`.
template <typename E>
void add_values(const Storage<E>* row_values, int64_t width, int64_t begin, int64_t end,
                double sign, double* sums, int64_t columns) {
  for (int64_t i = begin; i < end; ++i) {
    const Storage<E>* value = row_values + i * width;
    for (int64_t c = 0; c < columns; ++c) sums[c] += sign * E::load(value[c]);
  }
}

template <typename E>
void sum_window(const WindowPool& shape, const Storage<E>* values, const double* prefix,
                Storage<E>* out, int64_t window, int64_t column, int64_t columns) {
  const int64_t row = shape.rows[window];
  const int64_t begin = shape.row_offsets[row];
  const int64_t start = shape.starts[window];
  const int64_t end = start + shape.lengths[window];
  const Storage<E>* row_values = values + begin * shape.width + column;
  double sums[kColumns] = {};
  const int64_t first = start / kWindowBlock, last = end / kWindowBlock;
  if (end - start <= kDirectWindow) {
    add_values<E>(row_values, shape.width, start, end, 1, sums, columns);
  } else {
    // Every value between the two block edges, less those before start, and those up to end. The
    // last edge has no prefix of its own when the row ends there.
    const double* of_row = prefix + (begin / kWindowBlock + row) * shape.width + column;
    const int64_t edge =
        end == shape.row_offsets[row + 1] - begin && end % kWindowBlock == 0 ? last - 1 : last;
    for (int64_t c = 0; c < columns; ++c) {
      sums[c] = of_row[edge * shape.width + c] - of_row[first * shape.width + c];
    }
    add_values<E>(row_values, shape.width, first * kWindowBlock, start, -1, sums, columns);
    add_values<E>(row_values, shape.width, edge * kWindowBlock, end, 1, sums, columns);
  }
  const double scale = shape.mean && end > start ? 1.0 / static_cast<double>(end - start) : 1.0;
  for (int64_t c = 0; c < columns; ++c) {
    out[window * shape.width + column + c] = E::store(sums[c] * scale);
  }
}

template <typename Body>
void for_columns(int64_t width, Body&& body) {
  for (int64_t column = 0; column < width; column += kColumns) {
    body(column, std::min(kColumns, width - column));
  }
}

// Gradients of values [first, last) of a row, at most kWindowBlock of them.
template <typename E>
void block_gradient(const WindowPool& shape, const Storage<E>* grad_pooled, Storage<E>* grad_values,
                    int64_t row, int64_t first, int64_t last, int64_t column, int64_t columns) {
  double steps[kWindowBlock + 1][kColumns] = {};
  for (int64_t i = shape.window_offsets[row]; i < shape.window_offsets[row + 1]; ++i) {
    const int64_t window = shape.members[i];
    const int64_t start = std::max<int64_t>(shape.starts[window], first);
    const int64_t end =
        std::min<int64_t>(int64_t{shape.starts[window]} + shape.lengths[window], last);
    if (start >= end) continue;
    const double scale = shape.mean ? 1.0 / shape.lengths[window] : 1.0;
    const Storage<E>* grad = grad_pooled + window * shape.width + column;
    for (int64_t c = 0; c < columns; ++c) {
      const double part = scale * E::load(grad[c]);
      steps[start - first][c] += part;
      steps[end - first][c] -= part;
    }
  }
  double sums[kColumns] = {};
  for (int64_t i = first; i < last; ++i) {
    Storage<E>* out = grad_values + (shape.row_offsets[row] + i) * shape.width + column;
    for (int64_t c = 0; c < columns; ++c) {
      sums[c] += steps[i - first][c];
      out[c] = E::store(sums[c]);
    }
  }
}

}  // namespace

void window_pool_scalar(const WindowPool& shape, const void* values, double* prefix, void* pooled,
                        int64_t begin, int64_t end) {
  with_element(shape.type, [&]<typename E>(E) {
    const auto* from = static_cast<const Storage<E>*>(values);
    auto* to = static_cast<Storage<E>*>(pooled);
    for (int64_t row = begin; row < end; ++row) {
      const std::span windows(shape.members + shape.window_offsets[row],
                              shape.members + shape.window_offsets[row + 1]);
      const bool any_long = std::any_of(windows.begin(), windows.end(), [&](int32_t window) {
        return shape.lengths[window] > kDirectWindow;
      });
      for_columns(shape.width, [&](int64_t column, int64_t columns) {
        if (any_long) prefix_of_row<E>(shape, from, prefix, row, column, columns);
        for (int32_t window : windows) {
          sum_window<E>(shape, from, prefix, to, window, column, columns);
        }
      });
    }
  });
}

void window_pool_backward_scalar(const WindowPool& shape, const void* grad_pooled,
                                 void* grad_values, int64_t begin, int64_t end) {
  with_element(shape.type, [&]<typename E>(E) {
    for (int64_t row = begin; row < end; ++row) {
      const int64_t length = shape.row_offsets[row + 1] - shape.row_offsets[row];
      for (int64_t first = 0; first < length; first += kWindowBlock) {
        const int64_t last = std::min<int64_t>(first + kWindowBlock, length);
        for_columns(shape.width, [&](int64_t column, int64_t columns) {
          block_gradient<E>(shape, static_cast<const Storage<E>*>(grad_pooled),
                            static_cast<Storage<E>*>(grad_values), row, first, last, column,
                            columns);
        });
      }
    }
  });
}

}  // namespace onefold
