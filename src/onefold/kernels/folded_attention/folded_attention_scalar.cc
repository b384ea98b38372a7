// SPDX-License-Identifier: Apache-2.0
// The reference: one sample against one key at a time.
#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "onefold/kernels/element.h"
#include "onefold/kernels/folded_attention/folded_attention.h"

namespace onefold {
namespace {

template <typename E>
using Storage = typename E::Storage;
template <typename E>
using Sum = typename E::Sum;

int64_t sample_at(const FoldedAttention& shape, int64_t place) {
  return shape.samples == nullptr ? place : shape.samples[place];
}

// How many of the row's keys the sample at `place` sees.
int64_t num_visible(const FoldedAttention& shape, int64_t row, int64_t place) {
  const int64_t length = shape.key_offsets[row + 1] - shape.key_offsets[row];
  if (!shape.causal) return length;
  return std::min<int64_t>(length, place - shape.sample_offsets[row] + 1);
}

template <typename E>
Sum<E> dot(const Storage<E>* a, const Storage<E>* b, int64_t size) {
  Sum<E> sum = 0;
  for (int64_t d = 0; d < size; ++d) sum += E::load(a[d]) * E::load(b[d]);
  return sum;
}

template <typename E>
void attend(const FoldedAttention& shape, int64_t row, int64_t head, int64_t place,
            const Storage<E>* query, const Storage<E>* key, const Storage<E>* value,
            Storage<E>* output, Sum<E>* logsumexp) {
  using C = Sum<E>;
  const int64_t dim = shape.head_dim;
  const int64_t sample = sample_at(shape, place);
  const int64_t first = shape.key_offsets[row];
  const int64_t visible = num_visible(shape, row, place);
  const Storage<E>* q = query + sample * shape.query_stride + head * dim;
  Storage<E>* out = output + (sample * shape.num_heads + head) * dim;
  std::vector<C> weights(visible);
  C maximum = -std::numeric_limits<C>::infinity();
  for (int64_t i = 0; i < visible; ++i) {
    const Storage<E>* k = key + (first + i) * shape.key_stride + head * dim;
    weights[i] = static_cast<C>(shape.scale) * dot<E>(q, k, dim);
    maximum = std::max(maximum, weights[i]);
  }
  C total = 0;
  for (C& weight : weights) total += weight = std::exp(weight - maximum);
  std::vector<C> sum(dim, C{0});
  for (int64_t i = 0; i < visible; ++i) {
    const Storage<E>* v = value + (first + i) * shape.value_stride + head * dim;
    for (int64_t d = 0; d < dim; ++d) sum[d] += weights[i] * E::load(v[d]);
  }
  for (int64_t d = 0; d < dim; ++d) {
    out[d] = E::store(visible == 0 ? C{0} : sum[d] / total);
  }
  logsumexp[sample * shape.num_heads + head] = maximum + std::log(total);
}

// Gradients of one row's keys and values gather over its samples, a sample's query over its keys.
template <typename E>
void row_backward(const FoldedAttention& shape, const FoldedAttentionGradient& tensors, int64_t row,
                  int64_t head) {
  using C = Sum<E>;
  const int64_t dim = shape.head_dim;
  const int64_t first = shape.key_offsets[row];
  const int64_t length = shape.key_offsets[row + 1] - first;
  std::vector<C> grad_key(length * dim, C{0});
  std::vector<C> grad_value(length * dim, C{0});
  std::vector<C> grad_query(dim);
  for (int64_t place = shape.sample_offsets[row]; place < shape.sample_offsets[row + 1]; ++place) {
    const int64_t sample = sample_at(shape, place);
    const int64_t at = (sample * shape.num_heads + head) * dim;
    const Storage<E>* q =
        static_cast<const Storage<E>*>(tensors.query) + sample * shape.query_stride + head * dim;
    const Storage<E>* grad_out = static_cast<const Storage<E>*>(tensors.grad_output) + at;
    const C delta = dot<E>(grad_out, static_cast<const Storage<E>*>(tensors.output) + at, dim);
    const C logsumexp = static_cast<const C*>(tensors.logsumexp)[sample * shape.num_heads + head];
    std::fill(grad_query.begin(), grad_query.end(), C{0});
    for (int64_t i = 0; i < num_visible(shape, row, place); ++i) {
      const Storage<E>* k =
          static_cast<const Storage<E>*>(tensors.key) + (first + i) * shape.key_stride + head * dim;
      const Storage<E>* v = static_cast<const Storage<E>*>(tensors.value) +
                            (first + i) * shape.value_stride + head * dim;
      const C scale = static_cast<C>(shape.scale);
      const C weight = std::exp(scale * dot<E>(q, k, dim) - logsumexp);
      const C grad_score = weight * (dot<E>(grad_out, v, dim) - delta) * scale;
      for (int64_t d = 0; d < dim; ++d) {
        grad_value[i * dim + d] += weight * E::load(grad_out[d]);
        grad_key[i * dim + d] += grad_score * E::load(q[d]);
        grad_query[d] += grad_score * E::load(k[d]);
      }
    }
    Storage<E>* out = static_cast<Storage<E>*>(tensors.grad_query) + at;
    for (int64_t d = 0; d < dim; ++d) out[d] = E::store(grad_query[d]);
  }
  for (int64_t i = 0; i < length; ++i) {
    const int64_t at = ((first + i) * shape.num_heads + head) * dim;
    for (int64_t d = 0; d < dim; ++d) {
      static_cast<Storage<E>*>(tensors.grad_key)[at + d] = E::store(grad_key[i * dim + d]);
      static_cast<Storage<E>*>(tensors.grad_value)[at + d] = E::store(grad_value[i * dim + d]);
    }
  }
}

}  // namespace

void folded_attention_scalar(const FoldedAttention& shape, const void* query, const void* key,
                             const void* value, void* output, void* logsumexp, int64_t begin,
                             int64_t end) {
  with_element(shape.type, [&]<typename E>(E) {
    for (int64_t item = begin; item < end; ++item) {
      const int64_t row = item / shape.num_heads;
      for (int64_t place = shape.sample_offsets[row]; place < shape.sample_offsets[row + 1];
           ++place) {
        attend<E>(shape, row, item % shape.num_heads, place, static_cast<const Storage<E>*>(query),
                  static_cast<const Storage<E>*>(key), static_cast<const Storage<E>*>(value),
                  static_cast<Storage<E>*>(output), static_cast<Sum<E>*>(logsumexp));
      }
    }
  });
}

void folded_attention_backward_scalar(const FoldedAttention& shape,
                                      const FoldedAttentionGradient& tensors, int64_t begin,
                                      int64_t end) {
  with_element(shape.type, [&]<typename E>(E) {
    for (int64_t item = begin; item < end; ++item) {
      row_backward<E>(shape, tensors, item / shape.num_heads, item % shape.num_heads);
    }
  });
}

}  // namespace onefold
