// SPDX-License-Identifier: Apache-2.0
#include "onefold/ops/din_attention.h"

#include <ATen/Dispatch.h>
#include <ATen/ops/zeros.h>
#include <torch/csrc/autograd/custom_function.h>

#include "onefold/base/check.h"
#include "onefold/ops/din_row.h"
#include "onefold/ops/segment_order.h"
#include "onefold/ops/task_parallel.h"

namespace onefold {
namespace {

using namespace din;

// Samples of one unique row multiplied together: 16 * H * L hidden values stay in a 2 MB cache.
constexpr int64_t kMaxSamples = 16;
// Gradients of shared weights are summed per task first. A fixed number of tasks, not one per
// thread, keeps the sum independent of the number of threads.
constexpr int64_t kNumTasks = 64;

// Which samples use which row, and rows cut into kNumTasks parts of equal cost.
struct Plan {
  explicit Plan(const at::Tensor& offsets_in, const at::Tensor& inverse)
      : offsets(offsets_in.const_data_ptr<int32_t>()),
        samples(
            segment_order({inverse.const_data_ptr<int32_t>(), static_cast<size_t>(inverse.numel())},
                          offsets_in.size(0) - 1)),
        parts(balanced_parts(cost(), kNumTasks)) {}

  template <typename Body>
  void for_each_work(int64_t part, const Body& body) const {
    for (int64_t row = parts[part]; row < parts[part + 1]; ++row) {
      const auto all = samples.row(row);
      const int64_t length = offsets[row + 1] - offsets[row];
      for (size_t first = 0; first < all.size() && length > 0; first += kMaxSamples) {
        const size_t count = std::min<size_t>(kMaxSamples, all.size() - first);
        body(Work{offsets[row], length, all.subspan(first, count)});
      }
    }
  }

  const int32_t* offsets;
  SegmentOrder samples;
  std::vector<int64_t> parts;

 private:
  std::vector<int32_t> cost() const {  // cumulative samples * length, in units that fit int32
    std::vector<int32_t> cumulative = {0};
    double total = 0;
    for (int64_t row = 0; row < samples.num_rows(); ++row) {
      total += 1.0 / 64 * static_cast<double>(samples.row(row).size()) *
               static_cast<double>(offsets[row + 1] - offsets[row]);
      cumulative.push_back(static_cast<int32_t>(std::min(total, 2e9)));
    }
    return cumulative;
  }
};

class DinAttention : public torch::autograd::Function<DinAttention> {
 public:
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& query,
                            const at::Tensor& candidate, const at::Tensor& keys,
                            const at::Tensor& user, const at::Tensor& product,
                            const at::Tensor& score, const at::Tensor& bias,
                            const at::Tensor& offsets, const at::Tensor& inverse) {
    const std::vector<at::Tensor> inputs = {query.contiguous(),
                                            candidate.contiguous(),
                                            keys.contiguous(),
                                            user.contiguous(),
                                            product.contiguous(),
                                            score.contiguous(),
                                            bias,
                                            offsets,
                                            inverse};
    context->save_for_backward(inputs);
    const at::Tensor out = at::zeros(query.sizes(), query.options());
    const Plan plan(offsets, inverse);
    AT_DISPATCH_FLOATING_TYPES(keys.scalar_type(), "din_attention", [&] {
      scalar_t* to = out.mutable_data_ptr<scalar_t>();
      for_each_task(kNumTasks, [&](int64_t part) {
        plan.for_each_work(
            part, [&](const Work& work) { DinRow<scalar_t>(inputs, work).weighted_sum(to); });
      });
    });
    return out;
  }

  static torch::autograd::tensor_list backward(torch::autograd::AutogradContext* context,
                                               torch::autograd::tensor_list grads) {
    const std::vector<at::Tensor> saved = context->get_saved_variables();
    const at::Tensor grad = grads[0].contiguous();
    const Plan plan(saved[kOffsets], saved[kInverse]);
    torch::autograd::tensor_list out;
    for (int input = kQuery; input <= kUser; ++input) {
      out.push_back(at::zeros(saved[input].sizes(), saved[input].options()));
    }
    std::vector<at::Tensor> partial;  // gradients of product, score and bias, one row per task
    for (int input = kProduct; input <= kBias; ++input) {
      partial.push_back(at::zeros({kNumTasks, saved[input].numel()}, saved[input].options()));
    }
    AT_DISPATCH_FLOATING_TYPES(grad.scalar_type(), "din_attention_backward", [&] {
      for_each_task(kNumTasks, [&](int64_t part) {
        auto row = [&](const at::Tensor& sums) {
          return sums.mutable_data_ptr<scalar_t>() + part * sums.size(1);
        };
        const typename DinRow<scalar_t>::Gradients to = {
            out[kQuery].mutable_data_ptr<scalar_t>(),
            out[kCandidate].mutable_data_ptr<scalar_t>(),
            out[kKeys],
            out[kUser],
            row(partial[0]),
            row(partial[1]),
            row(partial[2])};
        plan.for_each_work(part, [&](const Work& work) {
          DinRow<scalar_t>(saved, work).backward(grad.const_data_ptr<scalar_t>(), to);
        });
      });
    });
    for (int input = kProduct; input <= kBias; ++input) {
      out.push_back(partial[input - kProduct].sum(0).view(saved[input].sizes()));
    }
    out.resize(9);  // offsets and inverse_indices have no gradient
    return out;
  }
};

}  // namespace

at::Tensor din_attention(const DinInput& input) {
  ONEFOLD_CHECK(input.product.size(0) % 16 == 0 && input.product.size(1) <= 512,
                "din_attention needs H a multiple of 16 and D <= 512");
  return DinAttention::apply(input.query, input.candidate_half, input.keys, input.user_half,
                             input.product, input.score, input.score_bias, input.offsets,
                             input.inverse_indices);
}

}  // namespace onefold
