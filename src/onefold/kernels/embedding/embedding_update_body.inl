// SPDX-License-Identifier: Apache-2.0
// The update of rows of float32, bfloat16 or float16 over the Floats of one instruction set;
// included after simd/first_lanes.inl.
//
// A row's gradient is summed in registers, then its weights and state are read and written once.
// Gradients, weights and state of the next rows are on their way meanwhile: at 820,000 ids of
// 64 columns this took 37 ms without them, in scalar code, and takes 20 ms, on two cores of a Xeon.

namespace onefold {
namespace {

constexpr int64_t kLanes = Floats::kLanes;
constexpr int64_t kMaxRegisters = 8;
constexpr int64_t kPlacesAhead = 32;      // ids whose place in the gradient is being read
constexpr int64_t kGradientsAhead = 16;   // ids whose gradient is
constexpr int64_t kRowsAhead = 8;         // rows whose weights and state are
constexpr int64_t kPrefetchBytes = 1024;  // of a row; the processor goes on by itself

void prefetch_row(const void* row, int64_t bytes) {
  const char* first = static_cast<const char*>(row);
  const int64_t size = bytes < kPrefetchBytes ? bytes : kPrefetchBytes;
  for (int64_t b = 0; b < size; b += 64) _mm_prefetch(first + b, _MM_HINT_T0);
}

// Of the runs that one call works on.
struct UpdateRange {
  int64_t end;      // one past the last run
  int64_t end_ids;  // one past its last id
};

void prefetch_gradient(const EmbeddingUpdateParams& p, int64_t i, const UpdateRange& range) {
  if (i + kPlacesAhead < range.end_ids) {
    _mm_prefetch(reinterpret_cast<const char*>(p.id_out + p.sorted_positions[i + kPlacesAhead]),
                 _MM_HINT_T0);
  }
  if (i + kGradientsAhead < range.end_ids) {
    const int64_t out_row = p.id_out[p.sorted_positions[i + kGradientsAhead]];
    prefetch_row(static_cast<const float*>(p.grad_out) + out_row * p.width, p.width * 4);
  }
}

template <typename W>
void prefetch_weights(const EmbeddingUpdateParams& p, int64_t run, const UpdateRange& range) {
  if (run + kRowsAhead >= range.end) return;
  const int64_t row = p.sorted_rows[p.run_offsets[run + kRowsAhead]];
  prefetch_row(static_cast<const W*>(p.weights) + row * p.width, p.width * sizeof(W));
  if (p.optimizer == OptimizerKind::kRowWiseAdagrad) {
    prefetch_row(p.state + row, sizeof(float));
  } else if (p.state != nullptr) {
    prefetch_row(p.state + row * p.width, p.width * 4);
    if (p.state2 != nullptr) prefetch_row(p.state2 + row * p.width, p.width * 4);
  }
}

// sums[column, column + kRegisters * kLanes) of one run's gradient; the last register has `last`
// columns, and zeros.
template <int kRegisters>
void sum_gradient(const EmbeddingUpdateParams& p, int64_t run, const UpdateRange& range,
                  int64_t column, int64_t last, float* sums) {
  Floats::Register sum[kRegisters];
  for (int r = 0; r < kRegisters; ++r) sum[r] = Floats::zero();
  for (int64_t i = p.run_offsets[run]; i < p.run_offsets[run + 1]; ++i) {
    if (column == 0) prefetch_gradient(p, i, range);
    const int64_t position = p.sorted_positions[i];
    const float* grad =
        static_cast<const float*>(p.grad_out) + p.id_out[position] * p.width + column;
    const Floats::Register scale = Floats::broadcast(p.id_scale ? p.id_scale[position] : 1.0f);
    for (int r = 0; r < kRegisters; ++r) {
      const int64_t count = r + 1 < kRegisters ? kLanes : last;
      sum[r] = Floats::fma(scale, load_first(grad + r * kLanes, count), sum[r]);
    }
  }
  for (int r = 0; r < kRegisters; ++r) Floats::store(sums + column + r * kLanes, sum[r]);
}

// The columns from `column` on, at most kMaxRegisters registers of them.
template <int kRegisters = 1>
void sum_gradient_rest(const EmbeddingUpdateParams& p, int64_t run, const UpdateRange& range,
                       int64_t column, float* sums) {
  const int64_t left = p.width - column;
  if (left <= kRegisters * kLanes) {
    sum_gradient<kRegisters>(p, run, range, column, left - (kRegisters - 1) * kLanes, sums);
  } else if constexpr (kRegisters < kMaxRegisters) {
    sum_gradient_rest<kRegisters + 1>(p, run, range, column, sums);
  }
}

// weights[d] -= rate[d] for every column; rate(d, count) gives a register of them.
template <typename W, typename Rate>
void subtract_from_row(const EmbeddingUpdateParams& p, int64_t row, Rate&& rate) {
  W* weights = static_cast<W*>(p.weights) + row * p.width;
  for_registers(0, p.width, [&](int64_t d, int64_t count) {
    const Floats::Register w = load_first(weights + d, count);
    store_first(weights + d, Floats::subtract(w, rate(d, count)), count);
  });
}

// learning_rate * gradient / (sqrt(square) + eps)
Floats::Register scaled(Floats::Register rate, Floats::Register gradient, Floats::Register square,
                        Floats::Register eps) {
  return Floats::divide(Floats::multiply(rate, gradient), Floats::add(Floats::sqrt(square), eps));
}

template <typename W>
void adagrad_row(const EmbeddingUpdateParams& p, const OptimizerStep& s, int64_t row,
                 const float* sums) {
  float* state = p.state + row * p.width;
  const Floats::Register rate = Floats::broadcast(s.learning_rate), eps = Floats::broadcast(s.eps);
  subtract_from_row<W>(p, row, [&](int64_t d, int64_t count) {
    const Floats::Register g = Floats::load(sums + d);
    const Floats::Register square = Floats::fma(g, g, load_first(state + d, count));
    store_first(state + d, square, count);
    return scaled(rate, g, square, eps);
  });
}

template <typename W>
void row_wise_adagrad_row(const EmbeddingUpdateParams& p, const OptimizerStep& s, int64_t row,
                          const float* sums) {
  Floats::Register squares = Floats::zero();
  for_registers(0, p.width, [&](int64_t d, int64_t) {
    const Floats::Register g = Floats::load(sums + d);
    squares = Floats::fma(g, g, squares);
  });
  p.state[row] += Floats::sum(squares) / static_cast<float>(p.width);
  const float rate = s.learning_rate / (__builtin_sqrtf(p.state[row]) + s.eps);
  subtract_from_row<W>(p, row, [&](int64_t d, int64_t) {
    return Floats::multiply(Floats::broadcast(rate), Floats::load(sums + d));
  });
}

template <typename W>
void adam_row(const EmbeddingUpdateParams& p, const OptimizerStep& s, int64_t row,
              const float* sums) {
  float* mean = p.state + row * p.width;
  float* square = p.state2 + row * p.width;
  const Floats::Register beta1 = Floats::broadcast(s.beta1), rest1 = Floats::broadcast(s.rest1);
  const Floats::Register beta2 = Floats::broadcast(s.beta2), rest2 = Floats::broadcast(s.rest2);
  const Floats::Register rate = Floats::broadcast(s.learning_rate * s.correction1);
  const Floats::Register correction2 = Floats::broadcast(s.correction2);
  const Floats::Register eps = Floats::broadcast(s.eps);
  subtract_from_row<W>(p, row, [&](int64_t d, int64_t count) {
    const Floats::Register g = Floats::load(sums + d);
    const Floats::Register m =
        Floats::fma(beta1, load_first(mean + d, count), Floats::multiply(rest1, g));
    const Floats::Register v = Floats::fma(beta2, load_first(square + d, count),
                                           Floats::multiply(rest2, Floats::multiply(g, g)));
    store_first(mean + d, m, count);
    store_first(square + d, v, count);
    return scaled(rate, m, Floats::multiply(v, correction2), eps);
  });
}

template <typename W>
void optimize_row(const EmbeddingUpdateParams& p, const OptimizerStep& s, int64_t row,
                  const float* sums) {
  switch (p.optimizer) {
    case OptimizerKind::kDenseGradient: {
      W* weights = static_cast<W*>(p.weights) + row * p.width;
      return for_registers(0, p.width, [&](int64_t d, int64_t count) {
        store_first(weights + d, Floats::load(sums + d), count);
      });
    }
    case OptimizerKind::kSgd:
      return subtract_from_row<W>(p, row, [&](int64_t d, int64_t) {
        return Floats::multiply(Floats::broadcast(s.learning_rate), Floats::load(sums + d));
      });
    case OptimizerKind::kAdagrad:
      return adagrad_row<W>(p, s, row, sums);
    case OptimizerKind::kRowWiseAdagrad:
      return row_wise_adagrad_row<W>(p, s, row, sums);
    case OptimizerKind::kAdam:
      return adam_row<W>(p, s, row, sums);
  }
}

template <typename W>
void update_rows(const EmbeddingUpdateParams& p, int64_t begin, int64_t end, float* sums) {
  const UpdateRange range{end, p.run_offsets[end]};
  for (int64_t run = begin; run < end; ++run) {
    prefetch_weights<W>(p, run, range);
    int64_t column = 0;
    for (; p.width - column > kMaxRegisters * kLanes; column += kMaxRegisters * kLanes) {
      sum_gradient<kMaxRegisters>(p, run, range, column, kLanes, sums);
    }
    sum_gradient_rest(p, run, range, column, sums);
    optimize_row<W>(p, *static_cast<const OptimizerStep*>(p.workspace),
                    p.sorted_rows[p.run_offsets[run]], sums);
  }
}

void update(const EmbeddingUpdateParams& p, int64_t begin, int64_t end, float* sums) {
  if (begin >= end) return;
  switch (p.weight_type) {
    case ScalarType::kFloat32:
      return update_rows<float>(p, begin, end, sums);
    case ScalarType::kBFloat16:
      return update_rows<BFloat16>(p, begin, end, sums);
    case ScalarType::kFloat16:
      return update_rows<Float16>(p, begin, end, sums);
    case ScalarType::kFloat64:
      return;  // embedding.cc picks the scalar body
  }
}

}  // namespace
}  // namespace onefold
