// SPDX-License-Identifier: Apache-2.0
#include "onefold/ops/folded_linear.h"

#include <ATen/ops/linear.h>
#include <torch/library.h>

#include "onefold/ops/expand.h"
#include "onefold/ops/find_op.h"
#include "onefold/ops/row_linear.h"

namespace onefold {
namespace {

using at::Tensor;
using Signature = Tensor(const Tensor& user, const Tensor& candidate, const Tensor& weight,
                         const std::optional<Tensor>& bias, const Tensor& inverse_indices,
                         const Tensor& offsets, const Tensor& members);

Tensor half(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  // row_linear keeps a row's bits; a single output column is a matrix-vector product to it.
  if (x.is_cpu() && weight.size(0) >= 2) return row_linear(x, weight, bias);
  return at::linear(x, weight, bias.defined() ? std::optional<Tensor>(bias) : std::nullopt);
}

Tensor run(const Tensor& user, const Tensor& candidate, const Tensor& weight,
           const std::optional<Tensor>& bias, const Tensor& inverse_indices, const Tensor& offsets,
           const Tensor& members) {
  TORCH_CHECK(user.dim() == 2 && candidate.dim() == 2 && weight.dim() == 2 &&
                  weight.size(1) == user.size(1) + candidate.size(1),
              "onefold::folded_linear: expected user [U, Du], candidate [B, Dc] and weight "
              "[M, Du + Dc], got ",
              user.sizes(), ", ", candidate.sizes(), " and ", weight.sizes());
  const int64_t split = user.size(1);
  const Tensor of_user = half(user, weight.narrow(1, 0, split), bias.value_or(Tensor()));
  const Tensor of_candidate = half(candidate, weight.narrow(1, split, candidate.size(1)), Tensor());
  return of_candidate.add(expand(of_user, {inverse_indices, {offsets, members}}));
}

TORCH_LIBRARY_FRAGMENT(onefold, m) {
  m.def(
      "folded_linear(Tensor user, Tensor candidate, Tensor weight, Tensor? bias, "
      "Tensor inverse_indices, Tensor offsets, Tensor members) -> Tensor",
      run);
}

}  // namespace

Tensor folded_linear(const Tensor& user, const Tensor& candidate, const Tensor& weight,
                     const Tensor& bias, const FoldIndex& fold) {
  static const auto op = find_op<Signature>("onefold::folded_linear");
  return op.call(user, candidate, weight,
                 bias.defined() ? std::optional<Tensor>(bias) : std::nullopt, fold.inverse_indices,
                 fold.csr.offsets, fold.csr.members);
}

}  // namespace onefold
