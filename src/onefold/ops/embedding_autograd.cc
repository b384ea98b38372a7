// SPDX-License-Identifier: Apache-2.0
#include <ATen/core/LegacyTypeDispatch.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>

#include "onefold/ops/embedding.h"
#include "onefold/ops/find_op.h"

namespace onefold {
namespace {

using at::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::tensor_list;

// The arguments of torch.ops.onefold.embedding_bag.
#define ONEFOLD_EMBEDDING_ARGUMENTS                                                             \
  const Tensor &weights, at::TensorList state, const std::optional<Tensor>&step,                \
      const std::optional<Tensor>&learning_rate, const Tensor &rows, const Tensor &sorted_rows, \
      const Tensor &sorted_positions, const Tensor &run_offsets, const Tensor &counts,          \
      at::TensorList offsets, c10::SymIntArrayRef num_ids, c10::SymIntArrayRef out_first,       \
      c10::SymIntArrayRef out_stride, c10::SymInt out_rows,                                     \
      const std::optional<Tensor>&id_weights, bool mean, int64_t optimizer, double eps,         \
      double beta1, double beta2, bool stochastic_rounding, int64_t seed

std::tuple<Tensor, Tensor, Tensor> call_forward(
    const Tensor& weights, const Tensor& rows, const Tensor& sorted_positions,
    at::TensorList offsets, c10::SymIntArrayRef num_ids, c10::SymIntArrayRef out_first,
    c10::SymIntArrayRef out_stride, const c10::SymInt& out_rows,
    const std::optional<Tensor>& id_weights, bool mean, bool backward) {
  link_embedding_kernels();
  static const auto op = find_op<std::tuple<Tensor, Tensor, Tensor>(
      const Tensor&, const Tensor&, const std::optional<Tensor>&, at::TensorList,
      c10::SymIntArrayRef, c10::SymIntArrayRef, c10::SymIntArrayRef, c10::SymInt,
      const std::optional<Tensor>&, bool, bool)>("onefold::embedding_forward");
  return op.call(weights, rows, sorted_positions, offsets, num_ids, out_first, out_stride, out_rows,
                 id_weights, mean, backward);
}

// What the backward needs beyond the saved tensors.
struct Settings {
  OptimizerKind kind;
  double eps, beta1, beta2;
  bool stochastic_rounding;
  int64_t seed;
};

// Tensors and sizes of one call; one argument of apply(), so that autograd sees only the two
// tensors that can have gradients.
struct Call {
  tensor_list state;
  Tensor step, learning_rate, rows, sorted_rows, sorted_positions, run_offsets, counts;
  tensor_list offsets;
  c10::SymIntArrayRef num_ids, out_first, out_stride;
  c10::SymInt out_rows;
  bool mean;
  Settings settings;
};

// Where the saved tensors are.
enum Saved {
  kWeights,
  kRows,
  kSortedRows,
  kSortedPositions,
  kRunOffsets,
  kCounts,
  kIdOut,
  kIdScale,
  kStep,
  kLearningRate,
  kState
};

class EmbeddingBag : public torch::autograd::Function<EmbeddingBag> {
 public:
  static Tensor forward(AutogradContext* context, const Tensor& weights,
                        const std::optional<Tensor>& id_weights, const Call& call) {
    at::AutoDispatchBelowADInplaceOrView below;
    auto [out, id_out, id_scale] =
        call_forward(weights, call.rows, call.sorted_positions, call.offsets, call.num_ids,
                     call.out_first, call.out_stride, call.out_rows, id_weights, call.mean,
                     /*backward=*/true);
    tensor_list saved = {
        weights, call.rows, call.sorted_rows, call.sorted_positions, call.run_offsets, call.counts,
        id_out,  id_scale,  call.step,        call.learning_rate};
    saved.insert(saved.end(), call.state.begin(), call.state.end());
    context->save_for_backward(saved);
    const Settings& s = call.settings;
    context->saved_data["weighted"] = id_weights.has_value();
    context->saved_data["kind"] = static_cast<int64_t>(s.kind);
    context->saved_data["eps"] = s.eps;
    context->saved_data["beta1"] = s.beta1;
    context->saved_data["beta2"] = s.beta2;
    context->saved_data["stochastic_rounding"] = s.stochastic_rounding;
    context->saved_data["seed"] = s.seed;
    return out;
  }

  static tensor_list backward(AutogradContext* context, tensor_list grads) {
    const auto saved = context->get_saved_variables();
    Tensor weight_gradient, id_weight_gradient;
    // An absent optional has no edge to ask about.
    if (context->saved_data["weighted"].toBool() && context->needs_input_grad(1)) {
      static const auto op =
          find_op<Tensor(const Tensor&, const Tensor&, const Tensor&, const Tensor&)>(
              "onefold::id_weight_gradient");
      id_weight_gradient = op.call(grads[0], saved[kWeights], saved[kRows], saved[kIdOut]);
    }
    if (context->needs_input_grad(0)) {
      if (context->saved_data["kind"].toInt() ==
          static_cast<int64_t>(OptimizerKind::kDenseGradient)) {
        weight_gradient = dense_gradient(saved, grads[0]);
      } else {
        update(context, saved, grads[0]);
      }
    }
    return {weight_gradient, id_weight_gradient, Tensor()};
  }

 private:
  static Tensor dense_gradient(const tensor_list& saved, const Tensor& grad) {
    static const auto op =
        find_op<Tensor(const Tensor&, const Tensor&, const Tensor&, const Tensor&, const Tensor&,
                       const Tensor&, const Tensor&, c10::SymInt, at::ScalarType)>(
            "onefold::embedding_gradient");
    return op.call(grad, saved[kSortedRows], saved[kSortedPositions], saved[kRunOffsets],
                   saved[kCounts], saved[kIdOut], saved[kIdScale], saved[kWeights].sym_size(0),
                   saved[kWeights].scalar_type());
  }

  static void update(AutogradContext* context, const tensor_list& saved, const Tensor& grad) {
    static const auto op =
        find_op<void(const Tensor&, const Tensor&, at::TensorList, const Tensor&, const Tensor&,
                     const Tensor&, const Tensor&, const Tensor&, const Tensor&, const Tensor&,
                     const Tensor&, int64_t, double, double, double, bool, int64_t)>(
            "onefold::embedding_update");
    at::AutoDispatchBelowADInplaceOrView below;  // the weights are a leaf that requires a gradient
    auto& data = context->saved_data;
    op.call(grad, saved[kWeights], at::TensorList(saved).slice(kState), saved[kStep],
            saved[kLearningRate], saved[kSortedRows], saved[kSortedPositions], saved[kRunOffsets],
            saved[kCounts], saved[kIdOut], saved[kIdScale], data["kind"].toInt(),
            data["eps"].toDouble(), data["beta1"].toDouble(), data["beta2"].toDouble(),
            data["stochastic_rounding"].toBool(), data["seed"].toInt());
  }
};

Tensor without_autograd(ONEFOLD_EMBEDDING_ARGUMENTS) {
  return std::get<0>(call_forward(weights, rows, sorted_positions, offsets, num_ids, out_first,
                                  out_stride, out_rows, id_weights, mean, /*backward=*/false));
}

Tensor with_autograd(ONEFOLD_EMBEDDING_ARGUMENTS) {
  const auto kind = static_cast<OptimizerKind>(optimizer);
  TORCH_CHECK(kind == OptimizerKind::kDenseGradient || (step && learning_rate),
              "onefold::embedding_bag: an optimizer needs step and learning_rate");
  const Call call{state.vec(),
                  step.value_or(Tensor()),
                  learning_rate.value_or(Tensor()),
                  rows,
                  sorted_rows,
                  sorted_positions,
                  run_offsets,
                  counts,
                  offsets.vec(),
                  num_ids,
                  out_first,
                  out_stride,
                  out_rows,
                  mean,
                  {kind, eps, beta1, beta2, stochastic_rounding, seed}};
  return EmbeddingBag::apply(weights, id_weights, call);
}

TORCH_LIBRARY_FRAGMENT(onefold, m) {
  m.def(
      "embedding_bag(Tensor weights, Tensor[] state, Tensor? step, Tensor? learning_rate, "
      "Tensor rows, Tensor sorted_rows, Tensor sorted_positions, Tensor run_offsets, Tensor "
      "counts, "
      "Tensor[] offsets, SymInt[] num_ids, SymInt[] out_first, SymInt[] out_stride, "
      "SymInt out_rows, Tensor? id_weights=None, bool mean=False, int optimizer=0, "
      "float eps=1e-08, float beta1=0.9, float beta2=0.999, bool stochastic_rounding=False, "
      "int seed=0) -> Tensor");
}
TORCH_LIBRARY_IMPL(onefold, CompositeExplicitAutograd, m) {
  m.impl("embedding_bag", without_autograd);
}
TORCH_LIBRARY_IMPL(onefold, Autograd, m) { m.impl("embedding_bag", with_autograd); }

}  // namespace

at::Tensor embedding_bag(const at::Tensor& weights, const FusedOptimizer& optimizer,
                         const SortedIds& ids, const Lookups& lookups) {
  static const auto op = find_op<Tensor(ONEFOLD_EMBEDDING_ARGUMENTS)>("onefold::embedding_bag");
  const auto optional = [](const Tensor& tensor) {
    return tensor.defined() ? std::optional<Tensor>(tensor) : std::nullopt;
  };
  return op.call(
      weights, optimizer.state, optional(optimizer.step), optional(optimizer.learning_rate),
      ids.rows, ids.sorted_rows, ids.sorted_positions, ids.run_offsets, ids.counts, lookups.offsets,
      c10::fromIntArrayRefSlow(lookups.num_ids), c10::fromIntArrayRefSlow(lookups.out_first),
      c10::fromIntArrayRefSlow(lookups.out_stride), lookups.out_rows, lookups.id_weights,
      lookups.pooling == Pooling::kMean, static_cast<int64_t>(optimizer.kind), optimizer.eps,
      optimizer.beta1, optimizer.beta2, optimizer.stochastic_rounding, optimizer.seed);
}

}  // namespace onefold
