// SPDX-License-Identifier: Apache-2.0
// Pools the events of a timeline into many slices at once: each event's row is read once per table
// group and added to every slice that its bit mask names.
//
//   2 slices of one group, dim 1          mask   row
//   event 0                               01     [1]
//   event 1                               11     [5]
//   event 2                               10     [7]
//   window [0, 3)    slice 0: mean(1, 5) = 3    slice 1: mean(5, 7) = 6
//   window [0, 2)    slice 0: 3                 slice 1: 5
//
// Windows of several samples over one timeline may overlap. The caller cuts the events at every
// window boundary into *cells*; a cell's sums are formed once and a window adds up its cells, so an
// event is gathered once however many windows hold it.
#pragma once

#include <cstdint>

#include "onefold/kernels/device.h"

namespace onefold {

inline constexpr int32_t kMaxSliceGroups = 32;
inline constexpr int32_t kMaxSliceWords = 8;  // 512 slices

// How many events a cell should hold at most: enough work for a thread or a CUDA block to hide its
// start, few enough that the cells of one 40,000-event timeline fill the machine.
inline constexpr int32_t kSliceCellEvents = 1024;

// The events and what they point at. Arrays of the struct itself are on the host, what its pointers
// name is on the device. Slices are numbered group by group.
struct SliceEvents {
  ScalarType type;                             // of the tables
  int32_t dim;                                 // columns of every table
  int32_t num_groups;                          // <= kMaxSliceGroups
  int32_t num_words;                           // 64-bit words of a mask, <= kMaxSliceWords
  int64_t num_events;                          // < 2^31
  const void* tables[kMaxSliceGroups];         // [num_groups]: each [num_rows[g], dim]
  int64_t num_rows[kMaxSliceGroups];           // [num_groups]
  const int64_t* ids[kMaxSliceGroups];         // [num_groups]: each [num_events]; a negative id is
                                               // an event that this group does not see
  int32_t slice_offsets[kMaxSliceGroups + 1];  // [num_groups + 1]: slices of each group
  const int64_t* masks;                        // [num_events, num_words]; bit s: slice s has it
  const float* weights;                        // [num_events], or nullptr: every weight is 1
  uint64_t weighted[kMaxSliceWords];           // [num_words]; bit s: slice s is a weighted mean

  constexpr int32_t num_slices() const { return slice_offsets[num_groups]; }
};

// Disjoint ranges of events in ascending order, at most kSliceCellEvents each; begin == end for a
// range that no window holds.
struct SliceCells {
  int64_t num_cells;
  const int32_t* begin;  // [num_cells]
  const int32_t* end;    // [num_cells]
};

// Window w holds the events of cells [first_cell[w], last_cell[w]).
struct SliceWindows {
  int64_t num_windows;
  const int32_t* first_cell;  // [num_windows]
  const int32_t* last_cell;   // [num_windows]
};

// Sums and total weights of every non-empty cell. `Compute` is double for float64 tables, else
// float. Empty cells are not written. On CUDA with 16-bit tables a weight is rounded to the table's
// type, in the sums and in the totals alike.
// REQUIRES: every id < num_rows of its group's table.
void multi_slice_cells(const Device& device, const SliceEvents& events, const SliceCells& cells,
                       void* cell_sums,     // Compute [num_cells, num_slices, dim]
                       float* cell_weights  // [num_cells, num_slices]
);

// Means of every window from the sums of its cells, added in cell order; 0 where no weight is.
void multi_slice_means(const Device& device, const SliceEvents& events, const SliceCells& cells,
                       const SliceWindows& windows,
                       const void* cell_sums,      // Compute [num_cells, num_slices, dim]
                       const float* cell_weights,  // [num_cells, num_slices]
                       void* means,                // events.type [num_windows, num_slices, dim]
                       float* window_weights       // [num_windows, num_slices]
);

// For the backward pass the cells need no length limit: cells cut at window boundaries only.
// Gradient of a cell's sums: over the windows that hold it, grad_means / window_weights.
void multi_slice_cell_gradients(const Device& device, const SliceEvents& events,
                                const SliceCells& cells, const SliceWindows& windows,
                                const void* grad_means,       // events.type, as `means`
                                const float* window_weights,  // [num_windows, num_slices]
                                void* cell_gradients  // Compute [num_cells, num_slices, dim]
);

// Which events use a table's row, one list per row in ascending event order.
struct SliceRowEvents {
  const int64_t* order[kMaxSliceGroups];    // [num_groups]: each [num_events], events sorted by id
  const int64_t* offsets[kMaxSliceGroups];  // [num_groups]: each [num_rows[g] + 1] into order
  const int32_t* event_cell;                // [num_events]; -1: in no window
};

// Gradients of the tables, written for every row. One reader per row, in event order: no atomics,
// the same bits every run.
void multi_slice_table_gradients(const Device& device, const SliceEvents& events,
                                 const SliceRowEvents& rows,
                                 const void* cell_gradients,  // Compute [num_cells, slices, dim]
                                 void* const* grad_tables     // host [num_groups]: as the tables
);

// The bodies that multi_slice_pool.cc chooses from. CPU bodies take a range of items, where item
// i is group i % num_groups of cell i / num_groups; `float` bodies refuse float64 tables.
void multi_slice_cells_scalar(const SliceEvents& events, const SliceCells& cells, void* cell_sums,
                              float* cell_weights, int64_t begin, int64_t end);
void multi_slice_cells_avx2(const SliceEvents& events, const SliceCells& cells, float* cell_sums,
                            float* cell_weights, int64_t begin, int64_t end);
void multi_slice_cells_avx512(const SliceEvents& events, const SliceCells& cells, float* cell_sums,
                              float* cell_weights, int64_t begin, int64_t end);
// Items are windows.
void multi_slice_means_scalar(const SliceEvents& events, const SliceCells& cells,
                              const SliceWindows& windows, const void* cell_sums,
                              const float* cell_weights, void* means, float* window_weights,
                              int64_t begin, int64_t end);
// Items are cells.
void multi_slice_cell_gradients_scalar(const SliceEvents& events, const SliceCells& cells,
                                       const SliceWindows& windows, const void* grad_means,
                                       const float* window_weights, void* cell_gradients,
                                       int64_t begin, int64_t end);
// Items are rows of group `group`.
void multi_slice_table_gradients_scalar(const SliceEvents& events, const SliceRowEvents& rows,
                                        const void* cell_gradients, int32_t group, void* grad_table,
                                        int64_t begin, int64_t end);

void multi_slice_cells_cuda(const SliceEvents& events, const SliceCells& cells, void* cell_sums,
                            float* cell_weights, Stream stream);
void multi_slice_means_cuda(const SliceEvents& events, const SliceCells& cells,
                            const SliceWindows& windows, const void* cell_sums,
                            const float* cell_weights, void* means, float* window_weights,
                            Stream stream);
void multi_slice_cell_gradients_cuda(const SliceEvents& events, const SliceCells& cells,
                                     const SliceWindows& windows, const void* grad_means,
                                     const float* window_weights, void* cell_gradients,
                                     Stream stream);
void multi_slice_table_gradients_cuda(const SliceEvents& events, const SliceRowEvents& rows,
                                      const void* cell_gradients, void* const* grad_tables,
                                      Stream stream);

}  // namespace onefold
