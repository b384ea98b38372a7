// SPDX-License-Identifier: Apache-2.0
#include "onefold/ops/din_attention.h"

#include <ATen/Dispatch.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/zeros.h>
#include <torch/csrc/autograd/custom_function.h>

#include "onefold/base/check.h"
#include "onefold/ops/segment_order.h"
#include "onefold/ops/task_parallel.h"

namespace onefold {
namespace {

// Samples of one unique row multiplied together: 16 * H * L hidden values stay in a 2 MB cache.
constexpr int64_t kMaxSamples = 16;
// Gradients of shared weights are summed per task first. A fixed number of tasks, not one per
// thread, keeps the sum independent of the number of threads.
constexpr int64_t kNumTasks = 64;

enum Saved { kQuery, kCandidate, kKeys, kUser, kProduct, kScore, kBias, kOffsets, kInverse };

// The unique row a task works on, and up to kMaxSamples of its samples.
struct Work {
  int64_t begin = 0, length = 0;     // values of the unique row
  std::span<const int32_t> samples;  // sample numbers
};

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

// The arithmetic on one Work, on raw rows. n samples, H hidden units, D columns, L values.
template <typename T>
class DinRow {
 public:
  DinRow(const std::vector<at::Tensor>& saved, const Work& work)
      : work_(work),
        n_(static_cast<int64_t>(work.samples.size())),
        hidden_(saved[kProduct].size(0)),
        width_(saved[kProduct].size(1)),
        keys_(saved[kKeys].narrow(0, work.begin, work.length)),
        user_(saved[kUser].narrow(0, work.begin, work.length).t().contiguous()),
        query_(saved[kQuery].const_data_ptr<T>()),
        candidate_(saved[kCandidate].const_data_ptr<T>()),
        product_(saved[kProduct].const_data_ptr<T>()),
        score_(saved[kScore].const_data_ptr<T>()),
        bias_(saved[kBias].const_data_ptr<T>()[0]) {
    // scaled[(j, h), d] = Wp[h, d] q_j[d];  hidden = scaled · keysᵀ: [n * H, L]
    scaled_ = at::empty({n_ * hidden_, width_}, keys_.options());
    T* scaled = scaled_.template mutable_data_ptr<T>();
    for (int64_t j = 0; j < n_; ++j) {
      const T* q = query_ + work_.samples[j] * width_;
      for (int64_t h = 0; h < hidden_; ++h) {
        for (int64_t d = 0; d < width_; ++d) *scaled++ = product_[h * width_ + d] * q[d];
      }
    }
    hidden_values_ = at::mm(scaled_, keys_.t());
    activate();
  }

  // out[i] = w_i · keys, added value by value: the same bits whatever samples share the row.
  void weighted_sum(T* out) const {
    const T* keys = keys_.template const_data_ptr<T>();
    for (int64_t j = 0; j < n_; ++j) {
      const T* w = weights_.data() + j * work_.length;
      T* row = out + work_.samples[j] * width_;
      for (int64_t l = 0; l < work_.length; ++l) {
        for (int64_t d = 0; d < width_; ++d) row[d] += w[l] * keys[l * width_ + d];
      }
    }
  }

  struct Gradients {
    T *query, *candidate;             // [B, D], [B, H]
    at::Tensor keys, user;            // [N, D], [N, H]
    T *product, *score, *score_bias;  // this task's own sums: [H, D], [H], [1]
  };

  void backward(const T* grad_out, const Gradients& to) {
    const at::Tensor grad = picked(grad_out);                 // [n, D]
    const at::Tensor grad_weights = at::mm(grad, keys_.t());  // [n, L]
    const at::Tensor weights = at::from_blob(weights_.data(), {n_, work_.length}, keys_.options());
    at::Tensor grad_keys = to.keys.narrow(0, work_.begin, work_.length);
    grad_keys.addmm_(weights.t(), grad);
    backward_activation(grad_weights.template const_data_ptr<T>(), to);
    const at::Tensor grad_scaled = at::mm(hidden_values_, keys_);  // [n * H, D]
    grad_keys.addmm_(hidden_values_.t(), scaled_);
    backward_scaled(grad_scaled.template const_data_ptr<T>(), to);
    // The user half is added to every sample's hidden values alike.
    to.user.narrow(0, work_.begin, work_.length)
        .add_(hidden_values_.view({n_, hidden_, work_.length}).sum(0).t());
  }

 private:
  // hidden_values_ becomes relu(...); weights_[j, l] the attention weight.
  void activate() {
    const int64_t length = work_.length;
    weights_.assign(n_ * length, bias_);
    const T* user = user_.template const_data_ptr<T>();
    T* z = hidden_values_.template mutable_data_ptr<T>();
    for (int64_t j = 0; j < n_; ++j) {
      const T* candidate = candidate_ + work_.samples[j] * hidden_;
      T* w = weights_.data() + j * length;
      for (int64_t h = 0; h < hidden_; ++h, z += length) {
        for (int64_t l = 0; l < length; ++l) {
          const T sum = z[l] + user[h * length + l] + candidate[h];
          z[l] = sum > 0 ? sum : T(0);
          w[l] += score_[h] * z[l];
        }
      }
    }
  }

  at::Tensor picked(const T* rows) const {
    at::Tensor out = at::empty({n_, width_}, keys_.options());
    T* to = out.template mutable_data_ptr<T>();
    for (int64_t j = 0; j < n_; ++j) {
      const T* from = rows + work_.samples[j] * width_;
      std::copy(from, from + width_, to + j * width_);
    }
    return out;
  }

  // Turns hidden_values_ from activations into their gradient before the ReLU.
  void backward_activation(const T* grad_weights, const Gradients& to) {
    const int64_t length = work_.length;
    T* z = hidden_values_.template mutable_data_ptr<T>();
    for (int64_t j = 0; j < n_; ++j) {
      const T* grad = grad_weights + j * length;
      for (int64_t l = 0; l < length; ++l) to.score_bias[0] += grad[l];
      for (int64_t h = 0; h < hidden_; ++h, z += length) {
        T grad_score = 0, grad_candidate = 0;
#pragma omp simd reduction(+ : grad_score, grad_candidate)
        for (int64_t l = 0; l < length; ++l) {
          grad_score += grad[l] * z[l];
          z[l] = z[l] > 0 ? grad[l] * score_[h] : T(0);
          grad_candidate += z[l];
        }
        to.score[h] += grad_score;
        to.candidate[work_.samples[j] * hidden_ + h] += grad_candidate;
      }
    }
  }

  // scaled = Wp[h, d] q_j[d]: the product rule.
  void backward_scaled(const T* grad_scaled, const Gradients& to) const {
    for (int64_t j = 0; j < n_; ++j) {
      const T* q = query_ + work_.samples[j] * width_;
      T* grad_q = to.query + work_.samples[j] * width_;
      for (int64_t h = 0; h < hidden_; ++h) {
        const T* grad = grad_scaled + (j * hidden_ + h) * width_;
        for (int64_t d = 0; d < width_; ++d) {
          grad_q[d] += grad[d] * product_[h * width_ + d];
          to.product[h * width_ + d] += grad[d] * q[d];
        }
      }
    }
  }

  const Work& work_;
  const int64_t n_, hidden_, width_;
  const at::Tensor keys_;  // [L, D]
  const at::Tensor user_;  // [H, L]
  const T *query_, *candidate_, *product_, *score_;
  const T bias_;
  at::Tensor scaled_, hidden_values_;
  std::vector<T> weights_;
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
