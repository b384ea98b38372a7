// SPDX-License-Identifier: Apache-2.0
// The reference: one sample, one value and one hidden unit at a time.
#include <algorithm>
#include <vector>

#include "onefold/kernels/din_attention/din_attention.h"
#include "onefold/kernels/swish/swish_math.h"

namespace onefold {
namespace {

template <typename T>
struct Din {
  const DinShape& shape;
  const T *query, *candidate, *keys, *user, *product, *score;
  const T bias;

  Din(const DinShape& s, const DinInputs& in)
      : shape(s),
        query(static_cast<const T*>(in.query)),
        candidate(static_cast<const T*>(in.candidate)),
        keys(static_cast<const T*>(in.keys)),
        user(static_cast<const T*>(in.user)),
        product(static_cast<const T*>(in.product)),
        score(static_cast<const T*>(in.score)),
        bias(*static_cast<const T*>(in.bias)) {}

  // What goes into the activation of hidden unit h.
  T hidden(int64_t sample, int64_t key, int64_t h) const {
    T sum = user[key * shape.hidden + h] + candidate[sample * shape.hidden + h];
    for (int64_t d = 0; d < shape.width; ++d) {
      sum += product[h * shape.width + d] * query[sample * shape.width + d] *
             keys[key * shape.width + d];
    }
    return sum;
  }
};

template <typename T>
void forward_sample(const Din<T>& din, int64_t sample, int64_t begin, int64_t end, T* out) {
  const int64_t width = din.shape.width;
  std::fill(out, out + width, T(0));
  for (int64_t key = begin; key < end; ++key) {
    T weight = din.bias;
    for (int64_t h = 0; h < din.shape.hidden; ++h) {
      weight += din.score[h] * swish(din.hidden(sample, key, h));
    }
    for (int64_t d = 0; d < width; ++d) out[d] += weight * din.keys[key * width + d];
  }
}

// Adds what one sample and one value give to every gradient.
template <typename T>
void add_gradients(const Din<T>& din, const DinGradients& to, int64_t sample, int64_t key,
                   T* sums) {
  const int64_t width = din.shape.width, hidden = din.shape.hidden;
  const T* grad_out = static_cast<const T*>(to.out) + sample * width;
  const T *q = din.query + sample * width, *k = din.keys + key * width;
  T* grad_query = static_cast<T*>(to.query) + sample * width;
  T* grad_key = static_cast<T*>(to.keys) + key * width;
  T *grad_score = sums + hidden * width, *grad_bias = grad_score + hidden;
  T grad_weight = 0, weight = din.bias;
  for (int64_t d = 0; d < width; ++d) grad_weight += grad_out[d] * k[d];
  *grad_bias += grad_weight;
  for (int64_t h = 0; h < hidden; ++h) {
    const T x = din.hidden(sample, key, h);
    weight += din.score[h] * swish(x);
    grad_score[h] += grad_weight * swish(x);
    const T grad = grad_weight * din.score[h] * swish_slope(algebraic_sign(x));
    static_cast<T*>(to.candidate)[sample * hidden + h] += grad;
    static_cast<T*>(to.user)[key * hidden + h] += grad;
    for (int64_t d = 0; d < width; ++d) {
      const T p = din.product[h * width + d];
      sums[h * width + d] += grad * q[d] * k[d];
      grad_query[d] += grad * p * k[d];
      grad_key[d] += grad * p * q[d];
    }
  }
  for (int64_t d = 0; d < width; ++d) grad_key[d] += weight * grad_out[d];
}

template <typename T>
void zero_rows(void* rows, int64_t begin, int64_t end, int64_t width) {
  std::fill(static_cast<T*>(rows) + begin * width, static_cast<T*>(rows) + end * width, T(0));
}

template <typename T>
void backward_row(const Din<T>& din, const DinGradients& to, int64_t row, T* sums) {
  const DinShape& shape = din.shape;
  const int64_t begin = shape.key_offsets[row], end = shape.key_offsets[row + 1];
  zero_rows<T>(to.keys, begin, end, shape.width);
  zero_rows<T>(to.user, begin, end, shape.hidden);
  for (int64_t place = shape.sample_offsets[row]; place < shape.sample_offsets[row + 1]; ++place) {
    const int64_t sample = shape.samples[place];
    zero_rows<T>(to.query, sample, sample + 1, shape.width);
    zero_rows<T>(to.candidate, sample, sample + 1, shape.hidden);
    for (int64_t key = begin; key < end; ++key) add_gradients(din, to, sample, key, sums);
  }
}

template <typename Body>
void with_type(ScalarType type, Body&& body) {
  if (type == ScalarType::kFloat64) return body(double{});
  body(float{});
}

}  // namespace

void din_attention_scalar(const DinShape& shape, const DinInputs& inputs, void* out,
                          const DinRange& places) {
  with_type(shape.type, [&]<typename T>(T) {
    const Din<T> din(shape, inputs);
    int64_t row = 0;
    for (int64_t place = places.begin; place < places.end; ++place) {
      while (shape.sample_offsets[row + 1] <= place) ++row;
      const int64_t sample = shape.samples[place];
      forward_sample(din, sample, shape.key_offsets[row], shape.key_offsets[row + 1],
                     static_cast<T*>(out) + sample * shape.width);
    }
  });
}

void din_attention_backward_scalar(const DinShape& shape, const DinInputs& inputs,
                                   const DinGradients& gradients, void* sums,
                                   const DinRange& rows) {
  with_type(shape.type, [&]<typename T>(T) {
    const Din<T> din(shape, inputs);
    for (int64_t row = rows.begin; row < rows.end; ++row) {
      backward_row(din, gradients, row, static_cast<T*>(sums));
    }
  });
}

}  // namespace onefold
