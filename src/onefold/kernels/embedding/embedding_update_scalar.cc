// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <vector>

#include "onefold/kernels/element.h"
#include "onefold/kernels/embedding/embedding.h"
#include "onefold/kernels/embedding/row_optimizer.h"

namespace onefold {
namespace {

// sums = the gradient of the row of run `run`.
template <typename G>
void sum_run(const EmbeddingUpdateParams& p, int64_t run, std::vector<typename G::Sum>& sums) {
  std::fill(sums.begin(), sums.end(), typename G::Sum(0));
  for (int32_t i = p.run_offsets[run]; i < p.run_offsets[run + 1]; ++i) {
    const int32_t position = p.sorted_positions[i];
    const float scale = p.id_scale ? p.id_scale[position] : 1.0f;
    const auto* grad =
        static_cast<const typename G::Storage*>(p.grad_out) + p.id_out[position] * p.width;
    for (int64_t d = 0; d < p.width; ++d) sums[d] += scale * G::load(grad[d]);
  }
}

uint16_t round_16(const EmbeddingUpdateParams& p, float value, uint64_t step, int64_t element) {
  const bool bfloat = p.weight_type == ScalarType::kBFloat16;
  if (!p.stochastic_rounding) return bfloat ? float_to_bfloat16(value) : float_to_float16(value);
  const uint32_t random = rounding_bits(p.seed, step, element);
  return bfloat ? bfloat16_stochastic(value, random) : float16_stochastic(value, random);
}

// new_weight(d, weight) for every element d of the row.
template <typename W, typename NewWeight>
void update_row(const EmbeddingUpdateParams& p, int64_t row, uint64_t step,
                NewWeight&& new_weight) {
  auto* weights = static_cast<typename W::Storage*>(p.weights) + row * p.width;
  for (int64_t d = 0; d < p.width; ++d) {
    const float value = new_weight(d, static_cast<float>(W::load(weights[d])));
    if constexpr (sizeof(typename W::Storage) == 2) {
      weights[d] = round_16(p, value, step, row * p.width + d);
    } else {
      weights[d] = W::store(value);
    }
  }
}

template <typename W, typename Sum>
void optimize_row(const EmbeddingUpdateParams& p, int64_t row, const std::vector<Sum>& grad) {
  const OptimizerStep& s = *static_cast<const OptimizerStep*>(p.workspace);
  float* state = p.state ? p.state + row * p.width : nullptr;  // row-wise Adagrad has one a row
  float* state2 = p.state2 ? p.state2 + row * p.width : nullptr;
  const auto g = [&](int64_t d) { return static_cast<float>(grad[d]); };
  switch (p.optimizer) {
    case OptimizerKind::kDenseGradient:
      break;
    case OptimizerKind::kSgd:
      return update_row<W>(p, row, s.step, [&](int64_t d, float w) { return sgd(w, g(d), s); });
    case OptimizerKind::kAdagrad:
      return update_row<W>(p, row, s.step,
                           [&](int64_t d, float w) { return adagrad(w, g(d), state[d], s); });
    case OptimizerKind::kRowWiseAdagrad: {
      float square = 0;
      for (int64_t d = 0; d < p.width; ++d) square += g(d) * g(d);
      const float rate = row_wise_rate(square / static_cast<float>(p.width), p.state[row], s);
      return update_row<W>(p, row, s.step, [&](int64_t d, float w) { return w - rate * g(d); });
    }
    case OptimizerKind::kAdam:
      return update_row<W>(p, row, s.step, [&](int64_t d, float w) {
        return adam(w, g(d), state[d], state2[d], s);
      });
  }
}

template <typename W, typename G>
void update_runs(const EmbeddingUpdateParams& p, int64_t begin, int64_t end) {
  std::vector<typename G::Sum> sums(p.width);
  for (int64_t run = begin; run < end; ++run) {
    const int64_t row = p.sorted_rows[p.run_offsets[run]];
    sum_run<G>(p, run, sums);
    if (p.optimizer == OptimizerKind::kDenseGradient) {
      auto* to = static_cast<typename W::Storage*>(p.weights) + row * p.width;
      for (int64_t d = 0; d < p.width; ++d) to[d] = W::store(sums[d]);
    } else {
      optimize_row<W>(p, row, sums);
    }
  }
}

}  // namespace

void embedding_update_scalar(const EmbeddingUpdateParams& params, int64_t begin, int64_t end) {
  with_element(params.weight_type, [&]<typename W>(W) {
    with_element(params.grad_type, [&]<typename G>(G) { update_runs<W, G>(params, begin, end); });
  });
}

}  // namespace onefold
