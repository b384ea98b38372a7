// SPDX-License-Identifier: Apache-2.0
#include "onefold/ops/pooled_lookup.h"

#include <ATen/Dispatch.h>
#include <ATen/ops/zeros.h>
#include <torch/csrc/autograd/custom_function.h>

#include "onefold/base/check.h"
#include "onefold/ops/segment_order.h"
#include "onefold/ops/task_parallel.h"

namespace onefold {
namespace {

constexpr int64_t kGrainFloats = 1 << 15;
constexpr int64_t kMaxTasks = 64;

std::span<const int32_t> as_span(const at::Tensor& index) {
  return {index.const_data_ptr<int32_t>(), static_cast<size_t>(index.numel())};
}

template <typename T>
void add_scaled(const T* from, T scale, int64_t width, T* to) {
  for (int64_t d = 0; d < width; ++d) to[d] += from[d] * scale;
}

at::Tensor look_up(const at::Tensor& rows, const at::Tensor& index, const at::Tensor& offsets,
                   Pooling pooling) {
  const int64_t num_bags = offsets.size(0) - 1, width = rows.size(1);
  at::Tensor out = at::zeros({num_bags, width}, rows.options());
  const std::span<const int32_t> ids = as_span(index), bounds = as_span(offsets);
  const int64_t num_tasks = num_tasks_for(index.numel() * width, kGrainFloats, kMaxTasks);
  const std::vector<int64_t> parts = balanced_parts(bounds, num_tasks);
  AT_DISPATCH_FLOATING_TYPES(rows.scalar_type(), "pooled_lookup", [&] {
    const scalar_t* from = rows.const_data_ptr<scalar_t>();
    scalar_t* to = out.mutable_data_ptr<scalar_t>();
    for_each_task(num_tasks, [&](int64_t task) {
      for (int64_t bag = parts[task]; bag < parts[task + 1]; ++bag) {
        scalar_t* pooled = to + bag * width;
        for (int32_t i = bounds[bag]; i < bounds[bag + 1]; ++i) {
          add_scaled(from + ids[i] * width, scalar_t(1), width, pooled);
        }
        const auto scale =
            static_cast<scalar_t>(pooling_scale(pooling, bounds[bag + 1] - bounds[bag]));
        for (int64_t d = 0; d < width; ++d) pooled[d] *= scale;
      }
    });
  });
  return out;
}

// bag_of[i]: the bag that value i belongs to.
std::vector<int32_t> bag_of_values(std::span<const int32_t> offsets) {
  std::vector<int32_t> bag_of(offsets.back());
  for (size_t bag = 0; bag + 1 < offsets.size(); ++bag) {
    std::fill(bag_of.begin() + offsets[bag], bag_of.begin() + offsets[bag + 1],
              static_cast<int32_t>(bag));
  }
  return bag_of;
}

at::Tensor reduce(const at::Tensor& grad, const at::Tensor& index, const at::Tensor& offsets,
                  Pooling pooling, int64_t num_rows) {
  const int64_t width = grad.size(1);
  at::Tensor out = at::zeros({num_rows, width}, grad.options());
  const std::span<const int32_t> bounds = as_span(offsets);
  const SegmentOrder order = segment_order(as_span(index), num_rows);
  const std::vector<int32_t> bag_of = bag_of_values(bounds);
  const int64_t num_tasks = num_tasks_for(index.numel() * width, kGrainFloats, kMaxTasks);
  const std::vector<int64_t> parts = balanced_parts(order.offsets, num_tasks);
  AT_DISPATCH_FLOATING_TYPES(grad.scalar_type(), "pooled_lookup_backward", [&] {
    const scalar_t* from = grad.const_data_ptr<scalar_t>();
    scalar_t* to = out.mutable_data_ptr<scalar_t>();
    for_each_task(num_tasks, [&](int64_t task) {
      for (int64_t row = parts[task]; row < parts[task + 1]; ++row) {
        for (int32_t value : order.row(row)) {
          const int32_t bag = bag_of[value];
          const double scale = pooling_scale(pooling, bounds[bag + 1] - bounds[bag]);
          add_scaled(from + bag * width, static_cast<scalar_t>(scale), width, to + row * width);
        }
      }
    });
  });
  return out;
}

class PooledLookup : public torch::autograd::Function<PooledLookup> {
 public:
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& rows,
                            const at::Tensor& index, const at::Tensor& offsets, int64_t pooling) {
    context->save_for_backward({index, offsets});
    context->saved_data["pooling"] = pooling;
    context->saved_data["num_rows"] = rows.size(0);
    return look_up(rows.contiguous(), index, offsets, static_cast<Pooling>(pooling));
  }

  static torch::autograd::tensor_list backward(torch::autograd::AutogradContext* context,
                                               torch::autograd::tensor_list grads) {
    const auto saved = context->get_saved_variables();
    const auto pooling = static_cast<Pooling>(context->saved_data["pooling"].toInt());
    return {reduce(grads[0].contiguous(), saved[0], saved[1], pooling,
                   context->saved_data["num_rows"].toInt()),
            at::Tensor(), at::Tensor(), at::Tensor()};
  }
};

}  // namespace

at::Tensor pooled_lookup(const at::Tensor& rows, const at::Tensor& index, const at::Tensor& offsets,
                         Pooling pooling) {
  ONEFOLD_CHECK(rows.dim() == 2, "pooled_lookup takes rows [R, D]");
  ONEFOLD_CHECK(index.scalar_type() == at::kInt && offsets.scalar_type() == at::kInt,
                "pooled_lookup takes int32 index and offsets");
  return PooledLookup::apply(rows, index, offsets, static_cast<int64_t>(pooling));
}

}  // namespace onefold
