// SPDX-License-Identifier: Apache-2.0
// The kernels as ops, each with its meta form. Autograd is in embedding_autograd.cc.
#include "onefold/ops/embedding.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/zeros.h>
#include <c10/core/DeviceGuard.h>
#include <torch/library.h>

#include "onefold/ops/device.h"

namespace onefold {
namespace {

using at::Tensor;
using Forward = std::tuple<Tensor, Tensor, Tensor>;

at::ScalarType out_type(const Tensor& weights) {
  return weights.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
}

std::vector<LookupFeature> features_of(const Tensor& rows, at::TensorList offsets,
                                       at::IntArrayRef num_ids, at::IntArrayRef out_first,
                                       at::IntArrayRef out_stride) {
  TORCH_CHECK(
      offsets.size() <= num_ids.size() && num_ids.size() == out_first.size() &&
          num_ids.size() == out_stride.size(),
      "onefold::embedding_bag: num_ids, out_first and out_stride need one number a feature");
  std::vector<LookupFeature> features;
  int64_t total = 0;
  for (size_t f = 0; f < num_ids.size(); ++f) {
    LookupFeature feature{nullptr, num_ids[f], num_ids[f], out_first[f], out_stride[f]};
    if (f < offsets.size()) {
      check_int32(offsets[f], rows, "offsets");
      feature.offsets = offsets[f].const_data_ptr<int32_t>();
      feature.num_bags = offsets[f].numel() - 1;
    }
    total += num_ids[f];
    features.push_back(feature);
  }
  TORCH_CHECK(total == rows.numel(), "onefold::embedding_bag: the features have ", total,
              " ids, but ", rows.numel(), " were sorted");
  return features;
}

// Without sorted_positions sequences are gathered in the order of their ids; `backward` asks for
// id_out and id_scale, which only a backward reads.
Forward forward_run(const Tensor& weights, const Tensor& rows,
                    const std::optional<Tensor>& sorted_positions, at::TensorList offsets,
                    at::IntArrayRef num_ids, at::IntArrayRef out_first, at::IntArrayRef out_stride,
                    int64_t out_rows, const std::optional<Tensor>& id_weights, bool mean,
                    bool backward) {
  TORCH_CHECK(weights.dim() == 2 && weights.is_contiguous(),
              "onefold::embedding_bag: weights must be a contiguous [rows, width] tensor");
  check_int32(rows, weights, "rows");
  const c10::DeviceGuard guard(weights.device());
  const std::vector<LookupFeature> features =
      features_of(rows, offsets, num_ids, out_first, out_stride);
  Tensor out = at::empty({out_rows, weights.size(1)}, weights.options().dtype(out_type(weights)));
  Tensor id_out = at::empty({backward ? rows.numel() : 0}, rows.options());
  Tensor id_scale = at::empty({backward && (mean || id_weights) ? rows.numel() : 0},
                              weights.options().dtype(at::kFloat));
  EmbeddingForwardParams p;
  p.features = features.data();
  p.num_features = static_cast<int64_t>(features.size());
  p.num_ids = rows.numel();
  p.rows = rows.const_data_ptr<int32_t>();
  if (sorted_positions) {
    check_int32(*sorted_positions, weights, "sorted_positions");
    p.sorted_positions = sorted_positions->const_data_ptr<int32_t>();
  }
  if (id_weights) {
    TORCH_CHECK(id_weights->scalar_type() == at::kFloat && id_weights->is_contiguous() &&
                    id_weights->numel() == rows.numel(),
                "onefold::embedding_bag: id_weights must be contiguous float32, one for each id");
    p.id_weights = id_weights->const_data_ptr<float>();
  }
  p.pooling = mean ? Pooling::kMean : Pooling::kSum;
  p.weights = weights.const_data_ptr();
  p.weight_type = scalar_type_of(weights, "weights");
  p.width = weights.size(1);
  p.out = out.mutable_data_ptr();
  p.out_type = scalar_type_of(out, "out");
  p.id_out = backward ? id_out.mutable_data_ptr<int32_t>() : nullptr;
  p.id_scale = id_scale.numel() > 0 ? id_scale.mutable_data_ptr<float>() : nullptr;
  embedding_forward(p, kernel_device(weights));
  return {out, id_out, id_scale};
}

Forward forward_meta(const Tensor& weights, const Tensor& rows,
                     const std::optional<Tensor>& sorted_positions, at::TensorList offsets,
                     c10::SymIntArrayRef num_ids, c10::SymIntArrayRef out_first,
                     c10::SymIntArrayRef out_stride, c10::SymInt out_rows,
                     const std::optional<Tensor>& id_weights, bool mean, bool backward) {
  const c10::SymInt ids = backward ? rows.sym_numel() : c10::SymInt(0);
  const c10::SymInt scales = mean || id_weights ? ids : c10::SymInt(0);
  return {
      at::empty_symint({out_rows, weights.sym_size(1)}, weights.options().dtype(out_type(weights))),
      at::empty_symint({ids}, rows.options()),
      at::empty_symint({scales}, weights.options().dtype(at::kFloat))};
}

// What both backward ops read.
EmbeddingUpdateParams update_params(const Tensor& grad, const Tensor& sorted_rows,
                                    const Tensor& sorted_positions, const Tensor& run_offsets,
                                    const Tensor& counts, const Tensor& id_out,
                                    const Tensor& id_scale) {
  for (const Tensor* ints : {&sorted_rows, &sorted_positions, &run_offsets, &counts, &id_out}) {
    check_int32(*ints, grad, "the sorted ids");
  }
  EmbeddingUpdateParams p;
  p.grad_out = grad.const_data_ptr();
  p.grad_type = scalar_type_of(grad, "the gradient");
  p.width = grad.size(1);
  p.num_ids = sorted_rows.numel();
  p.sorted_rows = sorted_rows.const_data_ptr<int32_t>();
  p.sorted_positions = sorted_positions.const_data_ptr<int32_t>();
  p.run_offsets = run_offsets.const_data_ptr<int32_t>();
  p.counts = counts.const_data_ptr<int32_t>();
  p.id_out = id_out.const_data_ptr<int32_t>();
  p.id_scale = id_scale.numel() > 0 ? id_scale.const_data_ptr<float>() : nullptr;
  return p;
}

void launch_update(EmbeddingUpdateParams& p, const Tensor& grad) {
  const Device device = kernel_device(grad);
  const size_t bytes = embedding_update_workspace_bytes(p.num_ids, p.width, p.grad_type, device);
  Tensor workspace = at::empty({static_cast<int64_t>(bytes)}, grad.options().dtype(at::kByte));
  p.workspace = workspace.mutable_data_ptr();
  embedding_update(p, device);
}

Tensor gradient_run(const Tensor& grad_any, const Tensor& sorted_rows,
                    const Tensor& sorted_positions, const Tensor& run_offsets, const Tensor& counts,
                    const Tensor& id_out, const Tensor& id_scale, int64_t num_rows,
                    at::ScalarType dtype) {
  const c10::DeviceGuard guard(grad_any.device());
  const Tensor grad = grad_any.contiguous();
  Tensor gradient = at::zeros({num_rows, grad.size(1)}, grad.options().dtype(dtype));
  EmbeddingUpdateParams p =
      update_params(grad, sorted_rows, sorted_positions, run_offsets, counts, id_out, id_scale);
  p.optimizer = OptimizerKind::kDenseGradient;
  p.weights = gradient.mutable_data_ptr();
  p.weight_type = scalar_type_of(gradient, "weights");
  launch_update(p, grad);
  return gradient;
}

Tensor gradient_meta(const Tensor& grad, const Tensor& sorted_rows, const Tensor& sorted_positions,
                     const Tensor& run_offsets, const Tensor& counts, const Tensor& id_out,
                     const Tensor& id_scale, c10::SymInt num_rows, at::ScalarType dtype) {
  return at::empty_symint({num_rows, grad.sym_size(1)}, grad.options().dtype(dtype));
}

// The states of `kind` for these weights, checked.
void take_state(EmbeddingUpdateParams& p, const Tensor& weights, at::TensorList state) {
  const size_t expected = p.optimizer == OptimizerKind::kAdam  ? 2
                          : p.optimizer == OptimizerKind::kSgd ? 0
                                                               : 1;
  TORCH_CHECK(state.size() == expected, "onefold::embedding_update: the optimizer needs ", expected,
              " state tensors, got ", state.size());
  const int64_t numel =
      p.optimizer == OptimizerKind::kRowWiseAdagrad ? weights.size(0) : weights.numel();
  for (const Tensor& tensor : state) {
    TORCH_CHECK(tensor.scalar_type() == at::kFloat && tensor.is_contiguous() &&
                    tensor.numel() == numel && tensor.device() == weights.device(),
                "onefold::embedding_update: state must be contiguous float32 of ", numel,
                " elements on the weights' device");
  }
  if (expected >= 1) p.state = state[0].mutable_data_ptr<float>();
  if (expected == 2) p.state2 = state[1].mutable_data_ptr<float>();
}

void update_run(const Tensor& grad_any, const Tensor& weights, at::TensorList state,
                const Tensor& step, const Tensor& learning_rate, const Tensor& sorted_rows,
                const Tensor& sorted_positions, const Tensor& run_offsets, const Tensor& counts,
                const Tensor& id_out, const Tensor& id_scale, int64_t optimizer, double eps,
                double beta1, double beta2, bool stochastic_rounding, int64_t seed) {
  const c10::DeviceGuard guard(grad_any.device());
  const Tensor grad = grad_any.contiguous();
  EmbeddingUpdateParams p =
      update_params(grad, sorted_rows, sorted_positions, run_offsets, counts, id_out, id_scale);
  TORCH_CHECK(step.scalar_type() == at::kLong && step.numel() == 1 &&
                  learning_rate.scalar_type() == at::kFloat && learning_rate.numel() == 1 &&
                  step.device() == weights.device() && learning_rate.device() == weights.device(),
              "onefold::embedding_update: step must be int64 [1] and learning_rate float32 [1], on "
              "the weights' device");
  p.optimizer = static_cast<OptimizerKind>(optimizer);
  take_state(p, weights, state);
  p.weights = weights.mutable_data_ptr();
  p.weight_type = scalar_type_of(weights, "weights");
  p.step = step.mutable_data_ptr<int64_t>();
  p.learning_rate = learning_rate.const_data_ptr<float>();
  p.eps = eps;
  p.beta1 = beta1;
  p.beta2 = beta2;
  p.stochastic_rounding = stochastic_rounding;
  p.seed = static_cast<uint64_t>(seed);
  launch_update(p, grad);
}

void update_meta(const Tensor& grad, const Tensor& weights, at::TensorList state,
                 const Tensor& step, const Tensor& learning_rate, const Tensor& sorted_rows,
                 const Tensor& sorted_positions, const Tensor& run_offsets, const Tensor& counts,
                 const Tensor& id_out, const Tensor& id_scale, int64_t optimizer, double eps,
                 double beta1, double beta2, bool stochastic_rounding, int64_t seed) {}

Tensor id_weight_gradient_run(const Tensor& grad_any, const Tensor& weights, const Tensor& rows,
                              const Tensor& id_out) {
  check_int32(rows, weights, "rows");
  check_int32(id_out, weights, "id_out");
  const c10::DeviceGuard guard(weights.device());
  const Tensor grad = grad_any.contiguous();
  Tensor gradient = at::empty({rows.numel()}, weights.options().dtype(at::kFloat));
  id_weight_gradient({grad.const_data_ptr(), scalar_type_of(grad, "the gradient"),
                      weights.const_data_ptr(), scalar_type_of(weights, "weights"), weights.size(1),
                      rows.numel(), rows.const_data_ptr<int32_t>(),
                      id_out.const_data_ptr<int32_t>(), gradient.mutable_data_ptr<float>()},
                     kernel_device(weights));
  return gradient;
}

Tensor id_weight_gradient_meta(const Tensor& grad, const Tensor& weights, const Tensor& rows,
                               const Tensor& id_out) {
  return at::empty_symint({rows.sym_numel()}, weights.options().dtype(at::kFloat));
}

TORCH_LIBRARY_FRAGMENT(onefold, m) {
  m.def(
      "embedding_forward(Tensor weights, Tensor rows, Tensor? sorted_positions, Tensor[] offsets, "
      "SymInt[] num_ids, SymInt[] out_first, SymInt[] out_stride, SymInt out_rows, "
      "Tensor? id_weights, bool mean, bool backward=True) -> (Tensor out, Tensor id_out, Tensor "
      "id_scale)");
  m.def(
      "embedding_gradient(Tensor grad, Tensor sorted_rows, Tensor sorted_positions, "
      "Tensor run_offsets, Tensor counts, Tensor id_out, Tensor id_scale, SymInt num_rows, "
      "ScalarType dtype) -> Tensor");
  m.def(
      "embedding_update(Tensor grad, Tensor(a!) weights, Tensor(b!)[] state, Tensor(c!) step, "
      "Tensor learning_rate, Tensor sorted_rows, Tensor sorted_positions, Tensor run_offsets, "
      "Tensor counts, Tensor id_out, Tensor id_scale, int optimizer, float eps, float beta1, "
      "float beta2, bool stochastic_rounding, int seed) -> ()");
  m.def("id_weight_gradient(Tensor grad, Tensor weights, Tensor rows, Tensor id_out) -> Tensor");
}

void register_kernels(torch::Library& m) {
  m.impl("embedding_forward", forward_run);
  m.impl("embedding_gradient", gradient_run);
  m.impl("embedding_update", update_run);
  m.impl("id_weight_gradient", id_weight_gradient_run);
}

TORCH_LIBRARY_IMPL(onefold, CPU, m) { register_kernels(m); }
TORCH_LIBRARY_IMPL(onefold, CUDA, m) { register_kernels(m); }
TORCH_LIBRARY_IMPL(onefold, Meta, m) {
  m.impl("embedding_forward", forward_meta);
  m.impl("embedding_gradient", gradient_meta);
  m.impl("embedding_update", update_meta);
  m.impl("id_weight_gradient", id_weight_gradient_meta);
}

}  // namespace

void link_embedding_kernels() {}

std::vector<at::Tensor> make_optimizer_state(OptimizerKind kind, const at::Tensor& weights) {
  const auto options = weights.options().dtype(at::kFloat).requires_grad(false);
  switch (kind) {
    case OptimizerKind::kDenseGradient:
    case OptimizerKind::kSgd:
      return {};
    case OptimizerKind::kAdagrad:
      return {at::zeros(weights.sizes(), options)};
    case OptimizerKind::kRowWiseAdagrad:
      return {at::zeros({weights.size(0)}, options)};
    case OptimizerKind::kAdam:
      return {at::zeros(weights.sizes(), options), at::zeros(weights.sizes(), options)};
  }
  return {};
}

}  // namespace onefold
