// SPDX-License-Identifier: Apache-2.0
#include "onefold/ops/folded_attention.h"

#include <ATen/Parallel.h>

#include "onefold/ops/jagged_self_attention.h"
#include "onefold/ops/test_gradients.h"

namespace onefold {
namespace {

using at::Tensor;

class AttentionOpTest : public testing::TestWithParam<at::DeviceType> {
 protected:
  Tensor ints(const std::vector<int32_t>& values) const {
    return at::tensor(values, at::kInt).to(GetParam());
  }
  Tensor random(at::IntArrayRef sizes, at::ScalarType type) const {
    return at::randn(sizes, at::TensorOptions(GetParam()).dtype(at::kDouble)).to(type);
  }
  FoldIndex fold(const std::vector<int32_t>& inverse, int64_t num_unique) const {
    return make_fold_index(ints(inverse), num_unique);
  }
  static double tolerance(at::ScalarType type) {
    return type == at::kDouble  ? 1e-10
           : type == at::kFloat ? 1e-5
           : type == at::kHalf  ? 4e-3
                                : 3e-2;
  }
};

// Sample by sample in float64.
Tensor reference(const Tensor& query, const Tensor& key, const Tensor& value,
                 const std::vector<int32_t>& offsets, const std::vector<int32_t>& inverse,
                 double scale, bool causal = false) {
  std::vector<Tensor> out;
  for (size_t i = 0; i < inverse.size(); ++i) {
    const int64_t begin = offsets[inverse[i]];
    const int64_t end = causal ? i + 1 : offsets[inverse[i] + 1];
    const Tensor q = query[i].to(at::kDouble);                  // [H, D]
    const Tensor k = key.slice(0, begin, end).to(at::kDouble);  // [L, H, D]
    const Tensor v = value.slice(0, begin, end).to(at::kDouble);
    const Tensor weights = (k * q * scale).sum(2).softmax(0);  // [L, H]
    out.push_back((weights.unsqueeze(2) * v).sum(0));
  }
  return at::stack(out);
}

TEST_P(AttentionOpTest, EqualsExpandedAttention) {
  ONEFOLD_SKIP_WITHOUT_TORCH_DEVICE(GetParam());
  const std::vector<int32_t> offsets = {0, 5, 5, 22}, inverse = {2, 0, 0, 2, 1, 2};
  for (at::ScalarType type : {at::kDouble, at::kFloat, at::kBFloat16, at::kHalf}) {
    const Tensor query = random({6, 2, 16}, type), key = random({22, 2, 16}, type),
                 value = random({22, 2, 16}, type);
    const Tensor out = folded_attention(query, key, value, ints(offsets), fold(inverse, 3));
    EXPECT_EQ(out.scalar_type(), type);
    const Tensor want = reference(query, key, value, offsets, inverse, 0.25);
    EXPECT_TRUE(at::allclose(out.to(at::kDouble), want, tolerance(type), tolerance(type))) << type;
    const Tensor sharper =
        folded_attention(query, key, value, ints(offsets), fold(inverse, 3), 1.0);
    EXPECT_FALSE(at::allclose(sharper, out));
  }
}

TEST_P(AttentionOpTest, TakesSlicesOfOneTensor) {
  ONEFOLD_SKIP_WITHOUT_TORCH_DEVICE(GetParam());
  const Tensor qkv = random({22, 3, 2, 16}, at::kBFloat16);
  const Tensor q = qkv.select(1, 0).narrow(0, 0, 6), k = qkv.select(1, 1), v = qkv.select(1, 2);
  const FoldIndex index = fold({2, 0, 0, 2, 1, 2}, 3);
  const Tensor offsets = ints({0, 5, 5, 22});
  EXPECT_TRUE(
      at::equal(folded_attention(q, k, v, offsets, index),
                folded_attention(q.contiguous(), k.contiguous(), v.contiguous(), offsets, index)));
  const Tensor heads_first = random({2, 6, 16}, at::kBFloat16).transpose(0, 1);
  EXPECT_TRUE(at::equal(folded_attention(heads_first, k, v, offsets, index),
                        folded_attention(heads_first.contiguous(), k, v, offsets, index)));
}

TEST_P(AttentionOpTest, NoSamplesAndNoKeys) {
  ONEFOLD_SKIP_WITHOUT_TORCH_DEVICE(GetParam());
  const Tensor key = random({5, 2, 8}, at::kFloat), none = random({0, 2, 8}, at::kFloat);
  EXPECT_EQ(folded_attention(none, key, key, ints({0, 5}), fold({}, 1)).size(0), 0);
  const Tensor out =
      folded_attention(random({2, 2, 8}, at::kFloat), none, none, ints({0, 0}), fold({0, 0}, 1));
  EXPECT_TRUE(at::equal(out, at::zeros_like(out)));
}

TEST_P(AttentionOpTest, FoldedGradients) {
  ONEFOLD_SKIP_WITHOUT_TORCH_DEVICE(GetParam());
  const FoldIndex index = fold({2, 0, 0, 2, 3, 2}, 4);  // row 1 has no samples, row 3 no keys
  const Tensor offsets = ints({0, 3, 5, 9, 9});
  check_gradients(
      [&](const auto& x) { return folded_attention(x[0], x[1], x[2], offsets, index, 0.7); },
      {random({6, 2, 3}, at::kDouble), random({9, 2, 3}, at::kDouble),
       random({9, 2, 3}, at::kDouble)});
}

TEST_P(AttentionOpTest, RefusesWhatDoesNotFit) {
  ONEFOLD_SKIP_WITHOUT_TORCH_DEVICE(GetParam());
  const Tensor query = random({2, 2, 8}, at::kFloat), key = random({5, 2, 8}, at::kFloat);
  const FoldIndex index = fold({0, 0}, 1);
  EXPECT_THROW(folded_attention(query, key, key.narrow(2, 0, 4), ints({0, 5}), index), c10::Error);
  EXPECT_THROW(folded_attention(query, key, key.to(at::kHalf), ints({0, 5}), index), c10::Error);
  EXPECT_THROW(folded_attention(query, key, key, ints({0, 2, 5}), index), c10::Error);
  EXPECT_THROW(folded_attention(query, key, key, ints({0, 5}).to(at::kLong), index), c10::Error);
}

TEST_P(AttentionOpTest, SelfAttentionEqualsRowsApart) {
  ONEFOLD_SKIP_WITHOUT_TORCH_DEVICE(GetParam());
  const std::vector<int32_t> offsets = {0, 5, 5, 38};
  std::vector<int32_t> inverse(38, 2);
  std::fill(inverse.begin(), inverse.begin() + 5, 0);
  for (at::ScalarType type : {at::kDouble, at::kFloat, at::kBFloat16, at::kHalf}) {
    for (bool causal : {false, true}) {
      const Tensor query = random({38, 2, 16}, type), key = random({38, 2, 16}, type),
                   value = random({38, 2, 16}, type);
      const Tensor out = jagged_self_attention(query, key, value, ints(offsets), 33, {}, causal);
      const Tensor want = reference(query, key, value, offsets, inverse, 0.25, causal);
      EXPECT_TRUE(at::allclose(out.to(at::kDouble), want, tolerance(type), tolerance(type)))
          << type << (causal ? " causal" : "");
    }
  }
}

TEST_P(AttentionOpTest, SelfAttentionGradients) {
  ONEFOLD_SKIP_WITHOUT_TORCH_DEVICE(GetParam());
  for (bool causal : {false, true}) {
    check_gradients(
        [&](const auto& x) {
          return jagged_self_attention(x[0], x[1], x[2], ints({0, 3, 3, 8}), 5, {}, causal);
        },
        {random({8, 2, 3}, at::kDouble), random({8, 2, 3}, at::kDouble),
         random({8, 2, 3}, at::kDouble)});
  }
}

// float32 and 16-bit gradients against float64's; on CUDA they come from other kernels.
TEST_P(AttentionOpTest, SelfAttentionGradientsOfEveryType) {
  ONEFOLD_SKIP_WITHOUT_TORCH_DEVICE(GetParam());
  const Tensor exact = random({3, 40, 2, 16}, at::kDouble),
               weights = random({40, 2, 16}, at::kDouble);
  const auto gradient = [&](at::ScalarType type) {
    Tensor qkv = exact.to(type).requires_grad_(true);
    const Tensor out = jagged_self_attention(qkv[0], qkv[1], qkv[2], ints({0, 7, 40}), 33);
    return torch::autograd::grad({(out * weights.to(type)).sum()}, {qkv})[0].to(at::kDouble);
  };
  const Tensor want = gradient(at::kDouble);
  for (at::ScalarType type : {at::kFloat, at::kBFloat16, at::kHalf}) {
    const double error = (gradient(type) - want).norm().item<double>() / want.norm().item<double>();
    EXPECT_LT(error, tolerance(type)) << type;
  }
}

// A row alone, among others, and on one thread or two: the same bits.
TEST(JaggedSelfAttention, RowsDoNotSeeEachOther) {
  at::manual_seed(3);
  const std::vector<int32_t> offsets = {0, 200, 207, 280, 480, 481};
  const Tensor qkv = at::randn({481, 3, 2, 16});
  const auto attend = [](const Tensor& x, const std::vector<int32_t>& rows) {
    const auto parts = x.unbind(1);
    return jagged_self_attention(parts[0], parts[1], parts[2], at::tensor(rows, at::kInt),
                                 x.size(0));
  };
  const Tensor all = attend(qkv, offsets);
  const int threads = at::get_num_threads();
  for (int count : {1, 2}) {
    at::set_num_threads(count);
    for (size_t row = 0; row + 1 < offsets.size(); ++row) {
      const int32_t length = offsets[row + 1] - offsets[row];
      const Tensor alone = attend(qkv.narrow(0, offsets[row], length).clone(), {0, length});
      EXPECT_TRUE(at::equal(alone, all.narrow(0, offsets[row], length))) << "row " << row;
    }
  }
  at::set_num_threads(threads);
}

INSTANTIATE_TEST_SUITE_P(Devices, AttentionOpTest, testing::Values(at::kCPU, at::kCUDA),
                         [](const auto& info) {
                           return std::string(info.param == at::kCPU ? "cpu" : "cuda");
                         });

}  // namespace
}  // namespace onefold
