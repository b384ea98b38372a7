// SPDX-License-Identifier: Apache-2.0
#include "onefold/ops/multi_slice_pool.h"

#include <map>
#include <numeric>

#include <ATen/core/LegacyTypeDispatch.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/searchsorted.h>
#include <ATen/ops/sort.h>
#include <ATen/ops/zeros.h>
#include <c10/core/DeviceGuard.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>

#include "onefold/kernels/multi_slice_pool/multi_slice_pool.h"
#include "onefold/ops/device.h"
#include "onefold/ops/find_op.h"

namespace onefold {
namespace {

using at::Tensor;
using at::TensorList;
using torch::autograd::AutogradContext;
using torch::autograd::tensor_list;
using MaybeTensor = std::optional<Tensor>;
using Ints = at::IntArrayRef;
using Pair = std::tuple<Tensor, Tensor>;

using ForwardSignature = Pair(TensorList tables, const Tensor& ids, Ints id_columns,
                              const Tensor& masks, const MaybeTensor& weights, Ints slice_offsets,
                              Ints weighted_slices, TensorList plan);
using BackwardSignature = std::vector<Tensor>(const Tensor& grad, const Tensor& window_weights,
                                              TensorList tables, const Tensor& ids, Ints id_columns,
                                              const Tensor& masks, const MaybeTensor& weights,
                                              Ints slice_offsets, Ints weighted_slices,
                                              TensorList plan);

void check_sizes(TensorList tables, const Tensor& ids, Ints id_columns, const Tensor& masks,
                 const MaybeTensor& weights, Ints slice_offsets) {
  TORCH_CHECK(!tables.empty() && tables.size() <= static_cast<size_t>(kMaxSliceGroups),
              "onefold::multi_slice_pool: between 1 and ", kMaxSliceGroups, " tables, got ",
              tables.size());
  TORCH_CHECK(id_columns.size() == tables.size() && slice_offsets.size() == tables.size() + 1,
              "onefold::multi_slice_pool: ", tables.size(), " tables need as many id_columns and ",
              "one more slice_offsets, got ", id_columns.size(), " and ", slice_offsets.size());
  TORCH_CHECK(ids.dim() == 2 && ids.scalar_type() == at::kLong && ids.is_contiguous(),
              "onefold::multi_slice_pool: ids must be a contiguous int64 [C, E]");
  TORCH_CHECK(masks.dim() == 2 && masks.scalar_type() == at::kLong && masks.is_contiguous() &&
                  masks.size(0) == ids.size(1) && masks.size(1) >= 1 &&
                  masks.size(1) <= kMaxSliceWords && 64 * masks.size(1) >= slice_offsets.back(),
              "onefold::multi_slice_pool: masks must be a contiguous int64 [E, words] with a bit "
              "for each of ",
              slice_offsets.back(), " slices and at most ", kMaxSliceWords, " words, is ",
              masks.sizes());
  if (!weights) return;
  TORCH_CHECK(weights->scalar_type() == at::kFloat && weights->is_contiguous() &&
                  weights->numel() == ids.size(1),
              "onefold::multi_slice_pool: weights must be a contiguous float32 [E]");
}

// `tables` must be contiguous and outlive the result.
SliceEvents events_of(TensorList tables, const Tensor& ids, Ints id_columns, const Tensor& masks,
                      const MaybeTensor& weights, Ints slice_offsets, Ints weighted_slices) {
  SliceEvents events{};
  events.type = scalar_type_of(tables[0], "tables");
  events.dim = static_cast<int32_t>(tables[0].size(1));
  events.num_groups = static_cast<int32_t>(tables.size());
  events.num_words = static_cast<int32_t>(masks.size(1));
  events.num_events = ids.size(1);
  for (size_t g = 0; g < tables.size(); ++g) {
    TORCH_CHECK(tables[g].dim() == 2 && tables[g].size(1) == events.dim &&
                    tables[g].scalar_type() == tables[0].scalar_type() &&
                    tables[g].device() == ids.device(),
                "onefold::multi_slice_pool: tables must be [num_rows, D] of one dtype, on the "
                "device of ids");
    TORCH_CHECK(id_columns[g] >= 0 && id_columns[g] < ids.size(0) &&
                    slice_offsets[g] <= slice_offsets[g + 1] && slice_offsets[0] == 0,
                "onefold::multi_slice_pool: id_columns must name rows of ids, slice_offsets must "
                "start at 0 and not decrease");
    events.tables[g] = tables[g].const_data_ptr();
    events.num_rows[g] = tables[g].size(0);
    events.ids[g] = ids.const_data_ptr<int64_t>() + id_columns[g] * ids.size(1);
    events.slice_offsets[g + 1] = static_cast<int32_t>(slice_offsets[g + 1]);
  }
  events.masks = masks.const_data_ptr<int64_t>();
  events.weights = weights ? weights->const_data_ptr<float>() : nullptr;
  for (int64_t slice : weighted_slices) {
    TORCH_CHECK(slice >= 0 && slice < slice_offsets.back() && weights,
                "onefold::multi_slice_pool: weighted_slices must name slices, and need weights");
    events.weighted[slice / 64] |= uint64_t{1} << (slice % 64);
  }
  return events;
}

SliceCells view(const Tensor& begin, const Tensor& end) {
  return {begin.numel(), begin.const_data_ptr<int32_t>(), end.const_data_ptr<int32_t>()};
}
SliceWindows windows_of(const Tensor& first, const Tensor& last) {
  return {first.numel(), first.const_data_ptr<int32_t>(), last.const_data_ptr<int32_t>()};
}

WindowPlan checked_plan(TensorList tensors, const Tensor& ids) {
  const WindowPlan plan = WindowPlan::from(tensors);
  for (const Tensor& tensor : tensors) check_int32(tensor, ids, "a tensor of the slice plan");
  TORCH_CHECK(plan.event_span.numel() == ids.size(1), "onefold::multi_slice_pool: a plan of ",
              plan.event_span.numel(), " events for ", ids.size(1), " events");
  return plan;
}

std::vector<Tensor> contiguous(TensorList tensors) {
  std::vector<Tensor> all;
  for (const Tensor& tensor : tensors) all.push_back(tensor.contiguous());
  return all;
}

at::TensorOptions sum_options(const Tensor& table) {
  return table.options().dtype(table.scalar_type() == at::kDouble ? at::kDouble : at::kFloat);
}

Pair forward_run(TensorList tables_any, const Tensor& ids, Ints id_columns, const Tensor& masks,
                 const MaybeTensor& weights, Ints slice_offsets, Ints weighted_slices,
                 TensorList plan_tensors) {
  check_sizes(tables_any, ids, id_columns, masks, weights, slice_offsets);
  const WindowPlan plan = checked_plan(plan_tensors, ids);
  const c10::DeviceGuard guard(ids.device());
  const std::vector<Tensor> tables = contiguous(tables_any);
  const SliceEvents events =
      events_of(tables, ids, id_columns, masks, weights, slice_offsets, weighted_slices);
  const SliceCells cells = view(plan.cell_begin, plan.cell_end);
  const SliceWindows windows = windows_of(plan.first_cell, plan.last_cell);
  const int64_t num_slices = events.num_slices(), dim = events.dim;
  const at::TensorOptions options = tables[0].options();
  Tensor cell_sums = at::empty({cells.num_cells, num_slices, dim}, sum_options(tables[0]));
  Tensor cell_weights = at::empty({cells.num_cells, num_slices}, options.dtype(at::kFloat));
  Tensor means = at::empty({windows.num_windows, num_slices, dim}, options);
  Tensor window_weights = at::empty({windows.num_windows, num_slices}, options.dtype(at::kFloat));
  const Device device = kernel_device(ids);
  multi_slice_cells(device, events, cells, cell_sums.mutable_data_ptr(),
                    cell_weights.mutable_data_ptr<float>());
  multi_slice_means(device, events, cells, windows, cell_sums.const_data_ptr(),
                    cell_weights.const_data_ptr<float>(), means.mutable_data_ptr(),
                    window_weights.mutable_data_ptr<float>());
  return {means, window_weights};
}

// The events of each of `num_rows` rows, ascending: events of row r are order[offsets[r]] and on.
// Negative ids are in no row. On the CPU by counting: at::sort's radix sort was 16 % of the time of
// training an upstream model.
Pair rows_to_events(const Tensor& ids, int64_t num_rows) {
  if (!ids.is_cpu()) {
    const auto [sorted, order] = at::sort(ids, /*stable=*/true, /*dim=*/0, /*descending=*/false);
    return {order, at::searchsorted(sorted, at::arange(num_rows + 1, ids.options()))};
  }
  Tensor order = at::empty_like(ids), offsets = at::zeros({num_rows + 1}, ids.options());
  const int64_t* row_of = ids.const_data_ptr<int64_t>();
  int64_t* first = offsets.mutable_data_ptr<int64_t>();
  const int64_t num_events = ids.numel();
  for (int64_t e = 0; e < num_events; ++e) {
    if (row_of[e] >= 0) ++first[row_of[e] + 1];
  }
  std::partial_sum(first, first + num_rows + 1, first);
  std::vector<int64_t> next(first, first + num_rows);
  int64_t* to = order.mutable_data_ptr<int64_t>();
  for (int64_t e = 0; e < num_events; ++e) {
    if (row_of[e] >= 0) to[next[row_of[e]]++] = e;
  }
  return {order, offsets};
}

// As rows_to_events(), once for each id column and number of rows.
struct RowLists {
  std::vector<Tensor> order, offsets;
  SliceRowEvents rows{};

  RowLists(TensorList tables, const Tensor& ids, Ints id_columns, const Tensor& event_cell) {
    std::map<std::pair<int64_t, int64_t>, Pair> known;
    for (size_t g = 0; g < tables.size(); ++g) {
      const auto [lists, is_new] = known.try_emplace({id_columns[g], tables[g].size(0)});
      if (is_new) {
        lists->second = rows_to_events(ids.select(0, id_columns[g]), tables[g].size(0));
      }
      order.push_back(std::get<0>(lists->second));
      offsets.push_back(std::get<1>(lists->second));
      rows.order[g] = order[g].const_data_ptr<int64_t>();
      rows.offsets[g] = offsets[g].const_data_ptr<int64_t>();
    }
    rows.event_cell = event_cell.const_data_ptr<int32_t>();
  }
};

std::vector<Tensor> backward_run(const Tensor& grad_any, const Tensor& window_weights,
                                 TensorList tables_any, const Tensor& ids, Ints id_columns,
                                 const Tensor& masks, const MaybeTensor& weights,
                                 Ints slice_offsets, Ints weighted_slices,
                                 TensorList plan_tensors) {
  check_sizes(tables_any, ids, id_columns, masks, weights, slice_offsets);
  const c10::DeviceGuard guard(ids.device());
  const std::vector<Tensor> tables = contiguous(tables_any);
  const Tensor grad = grad_any.contiguous();
  const SliceEvents events =
      events_of(tables, ids, id_columns, masks, weights, slice_offsets, weighted_slices);
  const WindowPlan plan = checked_plan(plan_tensors, ids);
  const SliceCells spans = view(plan.span_begin, plan.span_end);
  const RowLists lists(tables, ids, id_columns, plan.event_span);
  Tensor cell_gradients =
      at::empty({spans.num_cells, events.num_slices(), events.dim}, sum_options(tables[0]));
  const Device device = kernel_device(ids);
  multi_slice_cell_gradients(device, events, spans, windows_of(plan.first_span, plan.last_span),
                             grad.const_data_ptr(), window_weights.const_data_ptr<float>(),
                             cell_gradients.mutable_data_ptr());
  std::vector<Tensor> grads;
  std::vector<void*> pointers;
  for (const Tensor& table : tables) {
    grads.push_back(at::empty(table.sizes(), table.options()));
    pointers.push_back(grads.back().mutable_data_ptr());
  }
  multi_slice_table_gradients(device, events, lists.rows, cell_gradients.const_data_ptr(),
                              pointers.data());
  return grads;
}

Pair forward_meta(TensorList tables, const Tensor& ids, Ints id_columns, const Tensor& masks,
                  const MaybeTensor& weights, Ints slice_offsets, Ints weighted_slices,
                  TensorList plan) {
  const c10::SymInt windows = plan[2].sym_numel(), slices = slice_offsets.back();
  return {at::empty_symint({windows, slices, tables[0].sym_size(1)}, tables[0].options()),
          at::empty_symint({windows, slices}, tables[0].options().dtype(at::kFloat))};
}

std::vector<Tensor> backward_meta(const Tensor& grad, const Tensor& window_weights,
                                  TensorList tables, const Tensor& ids, Ints id_columns,
                                  const Tensor& masks, const MaybeTensor& weights,
                                  Ints slice_offsets, Ints weighted_slices, TensorList plan) {
  std::vector<Tensor> grads;
  for (const Tensor& table : tables) {
    grads.push_back(at::empty_symint(table.sym_sizes(), table.options()));
  }
  return grads;
}

Pair call_forward(TensorList tables, const Tensor& ids, Ints id_columns, const Tensor& masks,
                  const MaybeTensor& weights, Ints slice_offsets, Ints weighted_slices,
                  TensorList plan) {
  static const auto op = find_op<ForwardSignature>("onefold::_multi_slice_pool");
  return op.call(tables, ids, id_columns, masks, weights, slice_offsets, weighted_slices, plan);
}

constexpr size_t kPlanTensors = 9;  // of WindowPlan::tensors()

class Pool : public torch::autograd::Function<Pool> {
 public:
  static tensor_list forward(AutogradContext* context, TensorList tables, const Tensor& ids,
                             Ints id_columns, const Tensor& masks, const MaybeTensor& weights,
                             Ints slice_offsets, Ints weighted_slices, TensorList plan) {
    at::AutoDispatchBelowADInplaceOrView below;
    auto [means, window_weights] =
        call_forward(tables, ids, id_columns, masks, weights, slice_offsets, weighted_slices, plan);
    // The tables' values are not needed again, their shapes are; saving them costs nothing.
    tensor_list saved = {ids, masks, weights.value_or(Tensor()), window_weights};
    saved.insert(saved.end(), plan.begin(), plan.end());
    saved.insert(saved.end(), tables.begin(), tables.end());
    context->save_for_backward(saved);
    context->saved_data["id_columns"] = id_columns.vec();
    context->saved_data["slice_offsets"] = slice_offsets.vec();
    context->saved_data["weighted_slices"] = weighted_slices.vec();
    context->mark_non_differentiable({window_weights});
    return {means, window_weights};
  }

  static tensor_list backward(AutogradContext* context, tensor_list grads) {
    static const auto op = find_op<BackwardSignature>("onefold::_multi_slice_pool_backward");
    const auto saved = context->get_saved_variables();
    const std::vector<Tensor> plan(saved.begin() + 4, saved.begin() + 4 + kPlanTensors);
    const std::vector<Tensor> tables(saved.begin() + 4 + kPlanTensors, saved.end());
    const MaybeTensor weights = saved[2].defined() ? MaybeTensor(saved[2]) : std::nullopt;
    tensor_list out = op.call(grads[0], saved[3], tables, saved[0],
                              context->saved_data["id_columns"].toIntVector(), saved[1], weights,
                              context->saved_data["slice_offsets"].toIntVector(),
                              context->saved_data["weighted_slices"].toIntVector(), plan);
    out.resize(out.size() + 6 + kPlanTensors);  // no gradients of the other arguments
    return out;
  }
};

Pair forward_autograd(TensorList tables, const Tensor& ids, Ints id_columns, const Tensor& masks,
                      const MaybeTensor& weights, Ints slice_offsets, Ints weighted_slices,
                      TensorList plan) {
  const auto results =
      Pool::apply(tables, ids, id_columns, masks, weights, slice_offsets, weighted_slices, plan);
  return {results[0], results[1]};
}

Tensor pool(TensorList tables, const Tensor& ids, Ints id_columns, const Tensor& masks,
            const MaybeTensor& weights, Ints slice_offsets, Ints weighted_slices, TensorList plan) {
  return std::get<0>(
      call_forward(tables, ids, id_columns, masks, weights, slice_offsets, weighted_slices, plan));
}

TORCH_LIBRARY_FRAGMENT(onefold, m) {
  m.def(
      "multi_slice_pool(Tensor[] tables, Tensor ids, int[] id_columns, Tensor masks, "
      "Tensor? weights, int[] slice_offsets, int[] weighted_slices, Tensor[] plan) -> Tensor",
      pool);
  m.def(
      "_multi_slice_pool(Tensor[] tables, Tensor ids, int[] id_columns, Tensor masks, "
      "Tensor? weights, int[] slice_offsets, int[] weighted_slices, Tensor[] plan) -> (Tensor "
      "means, "
      "Tensor window_weights)");
  m.def(
      "_multi_slice_pool_backward(Tensor grad, Tensor window_weights, Tensor[] tables, "
      "Tensor ids, int[] id_columns, Tensor masks, Tensor? weights, int[] slice_offsets, "
      "int[] weighted_slices, Tensor[] plan) -> Tensor[]");
}
TORCH_LIBRARY_IMPL(onefold, CPU, m) {
  m.impl("_multi_slice_pool", forward_run);
  m.impl("_multi_slice_pool_backward", backward_run);
}
TORCH_LIBRARY_IMPL(onefold, CUDA, m) {
  m.impl("_multi_slice_pool", forward_run);
  m.impl("_multi_slice_pool_backward", backward_run);
}
TORCH_LIBRARY_IMPL(onefold, Meta, m) {
  m.impl("_multi_slice_pool", forward_meta);
  m.impl("_multi_slice_pool_backward", backward_meta);
}
TORCH_LIBRARY_IMPL(onefold, Autograd, m) { m.impl("_multi_slice_pool", forward_autograd); }

}  // namespace

Tensor multi_slice_pool(const TimelineSlices& timeline, const WindowPlan& plan) {
  return pool(timeline.tables, timeline.ids, timeline.id_columns, timeline.masks, timeline.weights,
              timeline.slice_offsets, timeline.weighted_slices, plan.tensors());
}

}  // namespace onefold
