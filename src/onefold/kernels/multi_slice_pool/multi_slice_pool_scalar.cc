// SPDX-License-Identifier: Apache-2.0
// The reference: one event, one slice, one column at a time.
#include <algorithm>
#include <vector>

#include "onefold/kernels/element.h"
#include "onefold/kernels/multi_slice_pool/multi_slice_pool.h"

namespace onefold {
namespace {

template <typename E>
using Storage = typename E::Storage;
template <typename E>
using Sum = typename E::Sum;

bool has_bit(const uint64_t* words, int32_t bit) { return (words[bit / 64] >> (bit % 64)) & 1; }

// The weight with which `event` counts in `slice`: 0 when its mask does not name the slice.
float weight_in(const SliceEvents& events, int64_t event, int32_t slice) {
  const auto* mask = reinterpret_cast<const uint64_t*>(events.masks + event * events.num_words);
  if (!has_bit(mask, slice)) return 0.0f;
  if (events.weights == nullptr || !has_bit(events.weighted, slice)) return 1.0f;
  return events.weights[event];
}

template <typename E>
void cell_sums_of(const SliceEvents& events, int32_t group, int32_t begin, int32_t end,
                  Sum<E>* sums, float* weights) {
  const int64_t dim = events.dim;
  const int32_t first = events.slice_offsets[group];
  const int32_t last = events.slice_offsets[group + 1];
  std::fill(sums + first * dim, sums + last * dim, Sum<E>{0});
  std::fill(weights + first, weights + last, 0.0f);
  for (int64_t event = begin; event < end; ++event) {
    const int64_t id = events.ids[group][event];
    if (id < 0) continue;
    const Storage<E>* row = static_cast<const Storage<E>*>(events.tables[group]) + id * dim;
    for (int32_t slice = first; slice < last; ++slice) {
      const float weight = weight_in(events, event, slice);
      if (weight == 0.0f) continue;
      weights[slice] += weight;
      for (int64_t d = 0; d < dim; ++d) sums[slice * dim + d] += weight * E::load(row[d]);
    }
  }
}

template <typename E>
void window_means_of(const SliceEvents& events, const SliceCells& cells, int32_t first_cell,
                     int32_t last_cell, const Sum<E>* cell_sums, const float* cell_weights,
                     Storage<E>* means, float* weights) {
  const int64_t dim = events.dim;
  const int64_t num_slices = events.num_slices();
  std::vector<Sum<E>> sum(dim);
  for (int64_t slice = 0; slice < num_slices; ++slice) {
    std::fill(sum.begin(), sum.end(), Sum<E>{0});
    float weight = 0.0f;
    for (int64_t cell = first_cell; cell < last_cell; ++cell) {
      if (cells.begin[cell] == cells.end[cell]) continue;
      weight += cell_weights[cell * num_slices + slice];
      const Sum<E>* of_cell = cell_sums + (cell * num_slices + slice) * dim;
      for (int64_t d = 0; d < dim; ++d) sum[d] += of_cell[d];
    }
    weights[slice] = weight;
    const Sum<E> scale = weight == 0.0f ? Sum<E>{0} : Sum<E>{1} / weight;
    for (int64_t d = 0; d < dim; ++d) means[slice * dim + d] = E::store(sum[d] * scale);
  }
}

}  // namespace

void multi_slice_cells_scalar(const SliceEvents& events, const SliceCells& cells, void* cell_sums,
                              float* cell_weights, int64_t begin, int64_t end) {
  const int64_t num_slices = events.num_slices();
  with_element(events.type, [&]<typename E>(E) {
    for (int64_t item = begin; item < end; ++item) {
      const int64_t cell = item / events.num_groups;
      if (cells.begin[cell] == cells.end[cell]) continue;
      cell_sums_of<E>(events, static_cast<int32_t>(item % events.num_groups), cells.begin[cell],
                      cells.end[cell],
                      static_cast<Sum<E>*>(cell_sums) + cell * num_slices * events.dim,
                      cell_weights + cell * num_slices);
    }
  });
}

void multi_slice_means_scalar(const SliceEvents& events, const SliceCells& cells,
                              const SliceWindows& windows, const void* cell_sums,
                              const float* cell_weights, void* means, float* window_weights,
                              int64_t begin, int64_t end) {
  const int64_t num_slices = events.num_slices();
  with_element(events.type, [&]<typename E>(E) {
    for (int64_t window = begin; window < end; ++window) {
      window_means_of<E>(events, cells, windows.first_cell[window], windows.last_cell[window],
                         static_cast<const Sum<E>*>(cell_sums), cell_weights,
                         static_cast<Storage<E>*>(means) + window * num_slices * events.dim,
                         window_weights + window * num_slices);
    }
  });
}

void multi_slice_cell_gradients_scalar(const SliceEvents& events, const SliceCells& cells,
                                       const SliceWindows& windows, const void* grad_means,
                                       const float* window_weights, void* cell_gradients,
                                       int64_t begin, int64_t end) {
  const int64_t num_slices = events.num_slices();
  const int64_t size = num_slices * events.dim;
  with_element(events.type, [&]<typename E>(E) {
    for (int64_t cell = begin; cell < end; ++cell) {
      if (cells.begin[cell] == cells.end[cell]) continue;
      Sum<E>* gradient = static_cast<Sum<E>*>(cell_gradients) + cell * size;
      std::fill(gradient, gradient + size, Sum<E>{0});
      for (int64_t window = 0; window < windows.num_windows; ++window) {
        if (cell < windows.first_cell[window] || cell >= windows.last_cell[window]) continue;
        const Storage<E>* grad = static_cast<const Storage<E>*>(grad_means) + window * size;
        for (int64_t slice = 0; slice < num_slices; ++slice) {
          const float weight = window_weights[window * num_slices + slice];
          if (weight == 0.0f) continue;
          const Sum<E> scale = Sum<E>{1} / weight;
          for (int64_t i = slice * events.dim; i < (slice + 1) * events.dim; ++i) {
            gradient[i] += E::load(grad[i]) * scale;
          }
        }
      }
    }
  });
}

namespace {

// Adds sum over slices of slice_weights[slice] * gradient[slice], and clears the weights.
template <typename C>
void add_run(const C* gradient, int64_t dim, std::vector<float>& slice_weights, C* sum) {
  for (size_t slice = 0; slice < slice_weights.size(); ++slice) {
    const float weight = slice_weights[slice];
    slice_weights[slice] = 0.0f;
    if (weight == 0.0f) continue;
    for (int64_t d = 0; d < dim; ++d) sum[d] += weight * gradient[slice * dim + d];
  }
}

// A row that many events use costs one pass over its slices for each run of events in one cell:
// first the events' weights are added per slice, then the slices' gradients are combined.
template <typename E>
void row_gradient(const SliceEvents& events, const SliceRowEvents& rows,
                  const Sum<E>* cell_gradients, int32_t group, int64_t row,
                  std::vector<float>& slice_weights, Sum<E>* sum) {
  const int64_t dim = events.dim;
  const int32_t first = events.slice_offsets[group];
  const auto gradient_of = [&](int32_t cell) {
    return cell_gradients + (int64_t{cell} * events.num_slices() + first) * dim;
  };
  int32_t run_cell = -1;
  for (int64_t i = rows.offsets[group][row]; i < rows.offsets[group][row + 1]; ++i) {
    const int64_t event = rows.order[group][i];
    const int32_t cell = rows.event_cell[event];
    if (cell < 0) continue;
    if (cell != run_cell && run_cell >= 0) add_run(gradient_of(run_cell), dim, slice_weights, sum);
    run_cell = cell;
    for (size_t slice = 0; slice < slice_weights.size(); ++slice) {
      slice_weights[slice] += weight_in(events, event, first + static_cast<int32_t>(slice));
    }
  }
  if (run_cell >= 0) add_run(gradient_of(run_cell), dim, slice_weights, sum);
}

}  // namespace

void multi_slice_table_gradients_scalar(const SliceEvents& events, const SliceRowEvents& rows,
                                        const void* cell_gradients, int32_t group, void* grad_table,
                                        int64_t begin, int64_t end) {
  const int64_t dim = events.dim;
  with_element(events.type, [&]<typename E>(E) {
    std::vector<Sum<E>> sum(dim);
    std::vector<float> slice_weights(events.slice_offsets[group + 1] - events.slice_offsets[group]);
    for (int64_t row = begin; row < end; ++row) {
      std::fill(sum.begin(), sum.end(), Sum<E>{0});
      row_gradient<E>(events, rows, static_cast<const Sum<E>*>(cell_gradients), group, row,
                      slice_weights, sum.data());
      Storage<E>* out = static_cast<Storage<E>*>(grad_table) + row * dim;
      for (int64_t d = 0; d < dim; ++d) out[d] = E::store(sum[d]);
    }
  });
}

}  // namespace onefold
