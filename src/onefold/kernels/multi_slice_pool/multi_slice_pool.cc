// SPDX-License-Identifier: Apache-2.0
#include "onefold/kernels/multi_slice_pool/multi_slice_pool.h"

#include "onefold/base/check.h"
#include "onefold/base/cpu.h"

namespace onefold {
namespace {

void check_events(const SliceEvents& events) {
  ONEFOLD_CHECK(events.num_groups > 0 && events.num_groups <= kMaxSliceGroups,
                "multi_slice_pool: between 1 and 32 table groups");
  ONEFOLD_CHECK(events.num_words > 0 && events.num_words <= kMaxSliceWords,
                "multi_slice_pool: between 1 and 8 mask words");
  ONEFOLD_CHECK(events.num_slices() <= 64 * events.num_words,
                "multi_slice_pool: more slices than mask bits");
  ONEFOLD_CHECK(events.num_events < (int64_t{1} << 31), "multi_slice_pool: 2^31 events or more");
}

}  // namespace

void multi_slice_cells(const Device& device, const SliceEvents& events, const SliceCells& cells,
                       void* cell_sums, float* cell_weights) {
  check_events(events);
  if (cells.num_cells == 0 || events.dim == 0) return;
  if (device.type == DeviceType::kCuda) {
    multi_slice_cells_cuda(events, cells, cell_sums, cell_weights, device.stream);
    return;
  }
  const CpuLevel level = events.type == ScalarType::kFloat64 ? CpuLevel::kScalar : cpu_level();
  parallel_for(device, cells.num_cells * events.num_groups, 1, [&](int64_t begin, int64_t end) {
    if (level == CpuLevel::kAvx512) {
      multi_slice_cells_avx512(events, cells, static_cast<float*>(cell_sums), cell_weights, begin,
                               end);
    } else if (level == CpuLevel::kAvx2) {
      multi_slice_cells_avx2(events, cells, static_cast<float*>(cell_sums), cell_weights, begin,
                             end);
    } else {
      multi_slice_cells_scalar(events, cells, cell_sums, cell_weights, begin, end);
    }
  });
}

void multi_slice_means(const Device& device, const SliceEvents& events, const SliceCells& cells,
                       const SliceWindows& windows, const void* cell_sums,
                       const float* cell_weights, void* means, float* window_weights) {
  check_events(events);
  if (windows.num_windows == 0 || events.num_slices() == 0) return;
  if (device.type == DeviceType::kCuda) {
    multi_slice_means_cuda(events, cells, windows, cell_sums, cell_weights, means, window_weights,
                           device.stream);
    return;
  }
  parallel_for(device, windows.num_windows, 1, [&](int64_t begin, int64_t end) {
    multi_slice_means_scalar(events, cells, windows, cell_sums, cell_weights, means, window_weights,
                             begin, end);
  });
}

void multi_slice_cell_gradients(const Device& device, const SliceEvents& events,
                                const SliceCells& cells, const SliceWindows& windows,
                                const void* grad_means, const float* window_weights,
                                void* cell_gradients) {
  check_events(events);
  if (cells.num_cells == 0 || events.num_slices() == 0) return;
  if (device.type == DeviceType::kCuda) {
    multi_slice_cell_gradients_cuda(events, cells, windows, grad_means, window_weights,
                                    cell_gradients, device.stream);
    return;
  }
  parallel_for(device, cells.num_cells, 1, [&](int64_t begin, int64_t end) {
    multi_slice_cell_gradients_scalar(events, cells, windows, grad_means, window_weights,
                                      cell_gradients, begin, end);
  });
}

void multi_slice_table_gradients(const Device& device, const SliceEvents& events,
                                 const SliceRowEvents& rows, const void* cell_gradients,
                                 void* const* grad_tables) {
  check_events(events);
  if (device.type == DeviceType::kCuda) {
    multi_slice_table_gradients_cuda(events, rows, cell_gradients, grad_tables, device.stream);
    return;
  }
  for (int32_t group = 0; group < events.num_groups; ++group) {
    parallel_for(device, events.num_rows[group], 16, [&](int64_t begin, int64_t end) {
      multi_slice_table_gradients_scalar(events, rows, cell_gradients, group, grad_tables[group],
                                         begin, end);
    });
  }
}

}  // namespace onefold
