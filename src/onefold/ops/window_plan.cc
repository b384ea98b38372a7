// SPDX-License-Identifier: Apache-2.0
#include "onefold/ops/window_plan.h"

#include <algorithm>

#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/floor_divide.h>
#include <ATen/ops/full.h>
#include <ATen/ops/minimum.h>
#include <ATen/ops/searchsorted.h>
#include <ATen/ops/sort.h>
#include <ATen/ops/where.h>
#include <torch/library.h>

#include "onefold/kernels/multi_slice_pool/multi_slice_pool.h"
#include "onefold/ops/device.h"

namespace onefold {
namespace {

using at::Tensor;

constexpr size_t kNumTensors = 9;

Tensor sorted(const Tensor& values) { return std::get<0>(at::sort(values)); }

// How many of ascending `values` are < x, or <= x.
Tensor count_below(const Tensor& values, const Tensor& x, bool or_equal) {
  return at::searchsorted(values, x, /*out_int32=*/true, or_equal);
}

// Spans between neighbouring cuts; returns the cuts, ascending.
Tensor cut_at_windows(const Tensor& window_begin, const Tensor& window_end, WindowPlan& plan) {
  const Tensor cuts = sorted(at::cat({window_begin, window_end}));
  const int64_t num_spans = std::max<int64_t>(0, cuts.numel() - 1);
  plan.span_begin = cuts.narrow(0, 0, num_spans).contiguous();
  const Tensor next = cuts.narrow(0, cuts.numel() - num_spans, num_spans);
  // A span is in some window when more windows have begun than ended there.
  const Tensor open = count_below(sorted(window_begin), plan.span_begin, true)
                          .sub(count_below(sorted(window_end), plan.span_begin, true));
  plan.span_end = at::where(open.gt(0), next, plan.span_begin);
  plan.first_span = count_below(cuts, window_begin, false);
  plan.last_span = count_below(cuts, window_end, false);
  return cuts;
}

// Span s owns cells cuts[s] / kSliceCellEvents + s and on, up to the next span's: at least as many
// as it needs, without a scan of the lengths.
void cut_spans(const Tensor& cuts, int64_t num_events, WindowPlan& plan) {
  const auto options = cuts.options();
  const int64_t num_spans = plan.span_begin.numel();
  if (num_spans == 0) {
    plan.cell_begin = plan.cell_end = plan.span_begin;
    plan.first_cell = plan.first_span;
    plan.last_cell = plan.last_span;
    return;
  }
  const Tensor first_of =
      at::floor_divide(cuts, kSliceCellEvents).to(at::kInt).add(at::arange(cuts.numel(), options));
  const Tensor cell = at::arange(num_events / kSliceCellEvents + num_spans, options);
  const Tensor span = count_below(first_of, cell, true).sub(1).clamp_max(num_spans - 1);
  const Tensor end = plan.span_end.index_select(0, span);
  const Tensor skipped = cell.sub(first_of.index_select(0, span)).mul(kSliceCellEvents);
  plan.cell_begin = at::minimum(plan.span_begin.index_select(0, span).add(skipped), end);
  plan.cell_end = at::minimum(plan.cell_begin.add(kSliceCellEvents), end);
  plan.first_cell = first_of.index_select(0, plan.first_span);
  plan.last_cell = first_of.index_select(0, plan.last_span);
}

Tensor span_of_events(const WindowPlan& plan, int64_t num_events) {
  const auto options = plan.span_begin.options();
  const Tensor events = at::arange(num_events, options);
  if (plan.span_begin.numel() == 0) return at::full({num_events}, -1, options);
  // The last cut at or before the event; of equal cuts the last begins the span that is not empty.
  const Tensor span = count_below(plan.span_begin, events, true).sub(1);
  const Tensor end = plan.span_end.index_select(0, span.clamp_min(0));
  const Tensor inside = span.ge(0).logical_and(events.lt(end));
  return at::where(inside, span, at::full({}, -1, options));
}

std::vector<Tensor> run(const Tensor& window_begin, const Tensor& window_end, int64_t num_events) {
  check_int32(window_begin, window_begin, "window_begin");
  check_int32(window_end, window_begin, "window_end");
  TORCH_CHECK(window_begin.dim() == 1 && window_begin.sizes() == window_end.sizes(),
              "onefold::window_plan: window_begin and window_end must be [W], are ",
              window_begin.sizes(), " and ", window_end.sizes());
  WindowPlan plan;
  const Tensor cuts = cut_at_windows(window_begin, window_end, plan);
  cut_spans(cuts, num_events, plan);
  plan.event_span = span_of_events(plan, num_events);
  return plan.tensors();
}

TORCH_LIBRARY_FRAGMENT(onefold, m) {
  m.def("window_plan(Tensor window_begin, Tensor window_end, int num_events) -> Tensor[]", run);
}

}  // namespace

std::vector<Tensor> WindowPlan::tensors() const {
  return {cell_begin, cell_end,   first_cell, last_cell, span_begin,
          span_end,   first_span, last_span,  event_span};
}

WindowPlan WindowPlan::from(at::TensorList t) {
  TORCH_CHECK(t.size() == kNumTensors, "onefold: a window_plan has ", kNumTensors, " tensors, got ",
              t.size());
  return {t[0], t[1], t[2], t[3], t[4], t[5], t[6], t[7], t[8]};
}

WindowPlan WindowPlan::to(at::Device device) const {
  std::vector<Tensor> moved;
  for (const Tensor& tensor : tensors()) moved.push_back(tensor.to(device));
  return from(moved);
}

WindowPlan make_window_plan(const Tensor& window_begin, const Tensor& window_end,
                            int64_t num_events) {
  return WindowPlan::from(run(window_begin, window_end, num_events));
}

}  // namespace onefold
