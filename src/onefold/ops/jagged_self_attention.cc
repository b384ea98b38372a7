// SPDX-License-Identifier: Apache-2.0
#include "onefold/ops/jagged_self_attention.h"

#include <ATen/ops/_efficient_attention_forward.h>
#include <ATen/ops/_flash_attention_forward.h>
#include <torch/library.h>

#include "onefold/ops/device.h"
#include "onefold/ops/find_op.h"
#include "onefold/ops/folded_attention.h"

namespace onefold {
namespace {

using at::Tensor;
using Signature = Tensor(const Tensor& query, const Tensor& key, const Tensor& value,
                         const Tensor& offsets, int64_t max_length, std::optional<double> scale,
                         bool causal);

constexpr int64_t kCausalFromTopLeft = 1;  // custom_mask_type of the memory-efficient kernel

Tensor flash(const Tensor& query, const Tensor& key, const Tensor& value, const Tensor& offsets,
             int64_t max_length, double scale, bool causal) {
  return std::get<0>(at::_flash_attention_forward(query, key, value, offsets, offsets, max_length,
                                                  max_length, /*dropout_p=*/0.0, causal,
                                                  /*return_debug_mask=*/false, scale));
}

Tensor memory_efficient(const Tensor& query, const Tensor& key, const Tensor& value,
                        const Tensor& offsets, int64_t max_length, double scale, bool causal,
                        bool with_gradient) {
  return std::get<0>(at::_efficient_attention_forward(
                         query.unsqueeze(0), key.unsqueeze(0), value.unsqueeze(0),
                         /*bias=*/std::nullopt, offsets, offsets, max_length, max_length,
                         /*dropout_p=*/0.0, causal ? kCausalFromTopLeft : 0,
                         /*compute_log_sumexp=*/with_gradient, scale))
      .squeeze(0);
}

bool needs_gradient(const Tensor& query, const Tensor& key, const Tensor& value) {
  return at::GradMode::is_enabled() &&
         (query.requires_grad() || key.requires_grad() || value.requires_grad());
}

Tensor run(const Tensor& query, const Tensor& key, const Tensor& value, const Tensor& offsets,
           int64_t max_length, std::optional<double> scale_given, bool causal) {
  TORCH_CHECK(query.dim() == 3 && query.sizes() == key.sizes() && query.sizes() == value.sizes(),
              "onefold::jagged_self_attention: expected query, key and value [N, H, D], got ",
              query.sizes(), ", ", key.sizes(), " and ", value.sizes());
  check_int32(offsets, query, "offsets");
  const double scale = attention::scale_or_default(scale_given, query);
  const bool library = query.is_cuda() && query.size(0) > 0 && query.size(2) % 8 == 0;
  const at::ScalarType type = query.scalar_type();
  if (library && query.size(2) <= 256 && (type == at::kBFloat16 || type == at::kHalf)) {
    return flash(query, key, value, offsets, max_length, scale, causal);
  }
  if (library && type == at::kFloat) {
    return memory_efficient(query, key, value, offsets, max_length, scale, causal,
                            needs_gradient(query, key, value));
  }
  return attention::run(query, key, value, offsets, offsets, std::nullopt, scale, causal);
}

TORCH_LIBRARY_FRAGMENT(onefold, m) {
  m.def(
      "jagged_self_attention(Tensor query, Tensor key, Tensor value, Tensor offsets, "
      "int max_length, *, float? scale=None, bool causal=False) -> Tensor",
      run);
}

}  // namespace

Tensor jagged_self_attention(const Tensor& query, const Tensor& key, const Tensor& value,
                             const Tensor& offsets, int64_t max_length, std::optional<double> scale,
                             bool causal) {
  static const auto op = find_op<Signature>("onefold::jagged_self_attention");
  return op.call(query, key, value, offsets, max_length, scale, causal);
}

}  // namespace onefold
