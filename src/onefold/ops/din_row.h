// SPDX-License-Identifier: Apache-2.0
// The arithmetic of din_attention on one unique row and some of its samples. Internal to
// din_attention.cc.
#pragma once

#include <span>
#include <vector>

#include <ATen/core/TensorBody.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/mm.h>

#include "onefold/ops/swish.h"

namespace onefold::din {

// The inputs, in the order in which they are saved for the gradient.
enum Saved { kQuery, kCandidate, kKeys, kUser, kProduct, kScore, kBias, kOffsets, kInverse };

// The unique row a task works on, and up to kMaxSamples of its samples.
struct Work {
  int64_t begin = 0, length = 0;     // values of the unique row
  std::span<const int32_t> samples;  // sample numbers
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
  // Completes hidden_values_, the inputs of the activation, and weights_[j, l], what comes of them.
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
          z[l] += user[h * length + l] + candidate[h];
          w[l] += score_[h] * swish(z[l]);
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

  // Turns hidden_values_ from the activation's inputs into their gradient.
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
          const T s = algebraic_sign(z[l]);
          grad_score += grad[l] * z[l] * (1 + s) / 2;
          z[l] = grad[l] * score_[h] * swish_slope(s);
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

}  // namespace onefold::din
