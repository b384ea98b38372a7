// SPDX-License-Identifier: Apache-2.0
// torch.ops.onefold.window_plan: how a batch's windows cut its events. Made once, where the batch
// is made, and moved to the device with it.
#pragma once

#include <vector>

#include <ATen/core/Tensor.h>

namespace onefold {

// Events are cut at every window boundary, so that windows which overlap share the sums of the
// pieces between. The pieces are *spans*; a span is cut again into *cells* of at most 1,024 events.
//
//   windows [0, 4) [2, 6), 8 events  ->  spans [0, 2) [2, 4) [4, 6)
//                                        first_span 0 1    last_span 2 3
//                                        event_span 0 0 1 1 2 2 -1 -1
//
// Window w is spans [first_span[w], last_span[w]) and cells [first_cell[w], last_cell[w]). How many
// there are follows from the sizes alone, so some are empty (begin == end): those between windows,
// and spares.
struct WindowPlan {
  at::Tensor cell_begin, cell_end;   // int32 [num_cells]
  at::Tensor first_cell, last_cell;  // int32 [W]
  at::Tensor span_begin, span_end;   // int32 [num_spans]
  at::Tensor first_span, last_span;  // int32 [W]
  at::Tensor event_span;             // int32 [num_events]; -1: in no window

  std::vector<at::Tensor> tensors() const;  // in this order, as the op takes them
  static WindowPlan from(at::TensorList tensors);
  WindowPlan to(at::Device device) const;
};

// window_begin and window_end int32 [W], counted from the batch's first event.
// REQUIRES: 0 <= window_begin <= window_end <= num_events.
WindowPlan make_window_plan(const at::Tensor& window_begin, const at::Tensor& window_end,
                            int64_t num_events);

}  // namespace onefold
