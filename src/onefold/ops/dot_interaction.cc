// SPDX-License-Identifier: Apache-2.0
#include "onefold/ops/dot_interaction.h"

#include <ATen/Dispatch.h>
#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>
#include <torch/csrc/autograd/custom_function.h>

#include "onefold/base/check.h"

namespace onefold {
namespace {

constexpr int64_t kGrainSamples = 32;

template <typename T>
T dot(const T* a, const T* b, int64_t width) {
  T sum = 0;
#pragma omp simd reduction(+ : sum)
  for (int64_t d = 0; d < width; ++d) sum += a[d] * b[d];
  return sum;
}

// grad_a += g * b and grad_b += g * a.
template <typename T>
void add_pair(T g, const T* a, const T* b, int64_t width, T* grad_a, T* grad_b) {
  for (int64_t d = 0; d < width; ++d) {
    grad_a[d] += g * b[d];
    grad_b[d] += g * a[d];
  }
}

class DotInteraction : public torch::autograd::Function<DotInteraction> {
 public:
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& input) {
    const at::Tensor vectors = input.contiguous();
    context->save_for_backward({vectors});
    const int64_t count = vectors.size(1), width = vectors.size(2);
    const at::Tensor out = at::empty({vectors.size(0), count * (count - 1) / 2}, vectors.options());
    AT_DISPATCH_FLOATING_TYPES(vectors.scalar_type(), "dot_interaction", [&] {
      const scalar_t* from = vectors.const_data_ptr<scalar_t>();
      scalar_t* to = out.mutable_data_ptr<scalar_t>();
      at::parallel_for(0, vectors.size(0), kGrainSamples, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) {
          const scalar_t* sample = from + i * count * width;
          scalar_t* pair = to + i * out.size(1);
          for (int64_t a = 1; a < count; ++a) {
            for (int64_t b = 0; b < a; ++b) {
              *pair++ = dot(sample + a * width, sample + b * width, width);
            }
          }
        }
      });
    });
    return out;
  }

  static torch::autograd::tensor_list backward(torch::autograd::AutogradContext* context,
                                               torch::autograd::tensor_list grads) {
    const at::Tensor vectors = context->get_saved_variables()[0];
    const at::Tensor grad = grads[0].contiguous();
    const int64_t count = vectors.size(1), width = vectors.size(2);
    const at::Tensor out = at::zeros(vectors.sizes(), vectors.options());
    AT_DISPATCH_FLOATING_TYPES(vectors.scalar_type(), "dot_interaction_backward", [&] {
      const scalar_t* from = vectors.const_data_ptr<scalar_t>();
      const scalar_t* weight = grad.const_data_ptr<scalar_t>();
      scalar_t* to = out.mutable_data_ptr<scalar_t>();
      at::parallel_for(0, vectors.size(0), kGrainSamples, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) {
          const int64_t base = i * count * width;
          const scalar_t* pair = weight + i * grad.size(1);
          for (int64_t a = 1; a < count; ++a) {
            for (int64_t b = 0; b < a; ++b) {
              const int64_t at_a = base + a * width, at_b = base + b * width;
              add_pair(*pair++, from + at_a, from + at_b, width, to + at_a, to + at_b);
            }
          }
        }
      });
    });
    return {out};
  }
};

}  // namespace

at::Tensor dot_interaction(const at::Tensor& vectors) {
  ONEFOLD_CHECK(vectors.dim() == 3 && vectors.size(1) >= 2,
                "dot_interaction takes vectors [B, F, D] with F >= 2");
  return DotInteraction::apply(vectors);
}

}  // namespace onefold
