// SPDX-License-Identifier: Apache-2.0
#include "onefold/ops/gather_rows.h"

#include <cstring>

#include <ATen/Dispatch.h>
#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <torch/csrc/autograd/custom_function.h>

#include "onefold/base/check.h"
#include "onefold/ops/segment_order.h"
#include "onefold/ops/task_parallel.h"

namespace onefold {
namespace {

constexpr int64_t kGrainFloats = 1 << 15;  // copied per task: about 10 us

std::span<const int32_t> as_span(const at::Tensor& index) {
  return {index.const_data_ptr<int32_t>(), static_cast<size_t>(index.numel())};
}

at::Tensor copy_rows(const at::Tensor& rows, const at::Tensor& index) {
  const int64_t width = rows.size(1);
  at::Tensor out = at::empty({index.size(0), width}, rows.options());
  const int32_t* from = index.const_data_ptr<int32_t>();
  const size_t row_bytes = width * rows.element_size();
  const char* source = static_cast<const char*>(rows.const_data_ptr());
  char* target = static_cast<char*>(out.mutable_data_ptr());
  const int64_t grain = kGrainFloats / (width + 1) + 1;
  at::parallel_for(0, index.size(0), grain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      std::memcpy(target + i * row_bytes, source + from[i] * row_bytes, row_bytes);
    }
  });
  return out;
}

template <typename T>
void sum_members(const SegmentOrder& order, int64_t row, int64_t width, const T* grad, T* out) {
  std::fill(out, out + width, T(0));
  for (int32_t member : order.row(row)) {
    const T* from = grad + member * width;
    for (int64_t d = 0; d < width; ++d) out[d] += from[d];
  }
}

at::Tensor reduce_rows(const at::Tensor& grad, const at::Tensor& index, int64_t num_rows) {
  const int64_t width = grad.size(1);
  at::Tensor out = at::empty({num_rows, width}, grad.options());
  const SegmentOrder order = segment_order(as_span(index), num_rows);
  const int64_t num_parts = num_tasks_for(grad.numel(), kGrainFloats, 64);
  const std::vector<int64_t> bounds = balanced_parts(order.offsets, num_parts);
  AT_DISPATCH_FLOATING_TYPES(grad.scalar_type(), "gather_rows_backward", [&] {
    const scalar_t* from = grad.const_data_ptr<scalar_t>();
    scalar_t* to = out.mutable_data_ptr<scalar_t>();
    for_each_task(num_parts, [&](int64_t part) {
      for (int64_t row = bounds[part]; row < bounds[part + 1]; ++row) {
        sum_members(order, row, width, from, to + row * width);
      }
    });
  });
  return out;
}

class GatherRows : public torch::autograd::Function<GatherRows> {
 public:
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& rows,
                            const at::Tensor& index) {
    context->save_for_backward({index});
    context->saved_data["num_rows"] = rows.size(0);
    return copy_rows(rows.contiguous(), index);
  }

  static torch::autograd::tensor_list backward(torch::autograd::AutogradContext* context,
                                               torch::autograd::tensor_list grads) {
    const at::Tensor index = context->get_saved_variables()[0];
    return {reduce_rows(grads[0].contiguous(), index, context->saved_data["num_rows"].toInt()),
            at::Tensor()};
  }
};

}  // namespace

at::Tensor gather_rows(const at::Tensor& rows, const at::Tensor& index) {
  ONEFOLD_CHECK(rows.dim() == 2 && index.dim() == 1, "gather_rows takes rows [R, D] and index [N]");
  ONEFOLD_CHECK(index.scalar_type() == at::kInt, "gather_rows takes an int32 index");
  return GatherRows::apply(rows, index);
}

}  // namespace onefold
