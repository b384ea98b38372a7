// SPDX-License-Identifier: Apache-2.0
#include "onefold/ops/din_attention.h"

#include <gtest/gtest.h>

#include "onefold/ops/gradient_check.h"
#include "onefold/ops/swish.h"

namespace onefold {
namespace {

DinInput random_input(int64_t num_samples, const std::vector<int32_t>& offsets,
                      const std::vector<int32_t>& inverse, int64_t width, int64_t hidden,
                      at::ScalarType dtype) {
  const int64_t num_values = offsets.back();
  return {.query = at::randn({num_samples, width}, dtype),
          .candidate_half = at::randn({num_samples, hidden}, dtype),
          .keys = at::randn({num_values, width}, dtype),
          .user_half = at::randn({num_values, hidden}, dtype),
          .product = at::randn({hidden, width}, dtype),
          .score = at::randn({hidden}, dtype),
          .score_bias = at::randn({1}, dtype),
          .offsets = int32_tensor(offsets),
          .fold = make_fold_index(int32_tensor(inverse), static_cast<int64_t>(offsets.size()) - 1)};
}

// The formula of the header, one sample and one value at a time.
at::Tensor reference(const DinInput& in) {
  std::vector<at::Tensor> out;
  for (int64_t i = 0; i < in.query.size(0); ++i) {
    const int32_t row = in.fold.inverse_indices[i].item<int32_t>();
    at::Tensor sum = at::zeros({in.query.size(1)}, in.query.options());
    for (int32_t l = in.offsets[row].item<int32_t>(); l < in.offsets[row + 1].item<int32_t>();
         ++l) {
      const at::Tensor hidden = swish(in.candidate_half[i] + in.user_half[l] +
                                      at::mv(in.product, in.query[i] * in.keys[l]));
      sum = sum + (at::dot(in.score, hidden) + in.score_bias) * in.keys[l];
    }
    out.push_back(sum);
  }
  return at::stack(out);
}

TEST(DinAttention, EqualsTheFormula) {
  at::manual_seed(1);
  // Row 1 is empty; row 2 has more samples than are multiplied at once.
  const std::vector<int32_t> offsets = {0, 5, 5, 12, 13};
  std::vector<int32_t> inverse = {0, 1, 2, 3, 0, 2};
  inverse.insert(inverse.end(), 40, 2);
  const DinInput in = random_input(46, offsets, inverse, 6, 16, at::kDouble);
  EXPECT_TRUE(at::allclose(din_attention(in), reference(in), 1e-10, 1e-10));
}

TEST(DinAttention, GradientsByFiniteDifferences) {
  at::manual_seed(2);
  const DinInput in = random_input(5, {0, 3, 3, 5}, {0, 1, 2, 0, 2}, 3, 16, at::kDouble);
  auto run = [&](const std::vector<at::Tensor>& t) {
    return din_attention({t[0], t[1], t[2], t[3], t[4], t[5], t[6], in.offsets, in.fold});
  };
  EXPECT_LT(gradient_error(run, {in.query, in.candidate_half, in.keys, in.user_half, in.product,
                                 in.score, in.score_bias}),
            1e-6);
}

// The first layer over [q, k, q - k, q ∘ k] and its regrouped form are the same function.
TEST(DinAttention, RegroupingIsTheConcatenatedLayer) {
  at::manual_seed(3);
  const int64_t width = 4, hidden = 16;
  const at::Tensor w = at::randn({hidden, 4 * width}, at::kDouble),
                   b = at::randn({hidden}, at::kDouble);
  const at::Tensor wq = w.narrow(1, 0, width), wk = w.narrow(1, width, width),
                   wd = w.narrow(1, 2 * width, width), wp = w.narrow(1, 3 * width, width);
  DinInput in = random_input(3, {0, 4}, {0, 0, 0}, width, hidden, at::kDouble);
  in.candidate_half = at::mm(in.query, (wq + wd).t());
  in.user_half = at::mm(in.keys, (wk - wd).t()) + b;
  in.product = wp;
  const at::Tensor out = din_attention(in);
  for (int64_t i = 0; i < 3; ++i) {
    at::Tensor sum = at::zeros({width}, at::kDouble);
    for (int64_t l = 0; l < 4; ++l) {
      const at::Tensor q = in.query[i], k = in.keys[l];
      const at::Tensor z = swish(at::mv(w, at::cat({q, k, q - k, q * k})) + b);
      sum = sum + (at::dot(in.score, z) + in.score_bias) * k;
    }
    EXPECT_TRUE(at::allclose(out[i], sum, 1e-10, 1e-10)) << "sample " << i;
  }
}

// Shared rows against one row per sample: same forward bits, gradients that add up.
TEST(DinAttention, FoldedEqualsUnfolded) {
  at::manual_seed(4);
  for (int64_t width : {8, 32, 100}) {
    const std::vector<int32_t> lengths = {37, 0, 200, 5};
    std::vector<int32_t> offsets = {0}, inverse, flat_offsets = {0}, flat_inverse;
    for (int32_t length : lengths) offsets.push_back(offsets.back() + length);
    std::vector<at::Tensor> rows;
    for (int32_t i = 0; i < 60; ++i) {
      const int32_t row = i * i % 4;
      inverse.push_back(row);
      flat_inverse.push_back(i);
      flat_offsets.push_back(flat_offsets.back() + lengths[row]);
      rows.push_back(at::arange(offsets[row], offsets[row + 1]));
    }
    DinInput folded = random_input(60, offsets, inverse, width, 32, at::kFloat);
    DinInput flat = folded;
    const at::Tensor picked = at::cat(rows);
    flat.keys = folded.keys.index_select(0, picked);
    flat.user_half = folded.user_half.index_select(0, picked);
    flat.offsets = int32_tensor(flat_offsets);
    flat.fold = make_fold_index(int32_tensor(flat_inverse), 60);
    folded.keys.set_requires_grad(true);
    flat.keys.set_requires_grad(true);
    const at::Tensor a = din_attention(folded), b = din_attention(flat);
    EXPECT_TRUE(at::equal(a, b)) << "width " << width;
    a.square().mean().backward();
    b.square().mean().backward();
    const at::Tensor summed = at::zeros_like(folded.keys).index_add(0, picked, flat.keys.grad());
    EXPECT_TRUE(
        at::allclose(folded.keys.grad(), summed, 1e-4, 1e-3 * summed.abs().max().item<double>()));
  }
}

// float32's own bodies, of widths with and without whole registers, against float64's.
TEST(DinAttention, FloatGradientsEqualDoubles) {
  at::manual_seed(5);
  const std::vector<int32_t> offsets = {0, 70, 70, 75};
  std::vector<int32_t> inverse = {2, 1, 0};
  inverse.insert(inverse.end(), 20, 0);
  for (auto [width, hidden] : {std::pair{6, 5}, {32, 32}, {33, 48}}) {
    const DinInput in = random_input(23, offsets, inverse, width, hidden, at::kDouble);
    const std::vector<at::Tensor> inputs = {
        in.query, in.candidate_half, in.keys, in.user_half, in.product, in.score, in.score_bias};
    auto results = [&](at::ScalarType dtype) {
      std::vector<at::Tensor> t;
      for (const at::Tensor& input : inputs) t.push_back(input.to(dtype, false, true));
      for (const at::Tensor& leaf : t) leaf.set_requires_grad(true);
      const at::Tensor out =
          din_attention({t[0], t[1], t[2], t[3], t[4], t[5], t[6], in.offsets, in.fold});
      out.square().sum().backward();
      std::vector<at::Tensor> all = {out.detach()};
      for (const at::Tensor& leaf : t) all.push_back(leaf.grad());
      return all;
    };
    const auto got = results(at::kFloat), want = results(at::kDouble);
    for (size_t i = 0; i < got.size(); ++i) {
      const double error = (got[i].to(at::kDouble) - want[i]).abs().max().item<double>();
      EXPECT_LT(error, 1e-5 * want[i].abs().max().item<double>()) << i << ", width " << width;
    }
  }
}

TEST(DinAttention, RefusesWhatDoesNotFit) {
  DinInput in = random_input(1, {0, 1}, {0}, 4, 12, at::kFloat);
  in.keys = at::randn({1, 5});
  EXPECT_THROW(din_attention(in), c10::Error);
}

}  // namespace
}  // namespace onefold
