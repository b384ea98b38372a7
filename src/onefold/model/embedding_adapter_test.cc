// SPDX-License-Identifier: Apache-2.0
#include "onefold/model/embedding_adapter.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

namespace onefold {
namespace {

constexpr EmbeddingShape kShape{.tokens = 6, .dim = 100};
constexpr int64_t kOutputs = 2, kDim = 8;

class EmbeddingAdapterTest : public testing::TestWithParam<AdapterType> {
 protected:
  Parameters parameters_{7};
  EmbeddingAdapter adapter_{GetParam(), kShape, kOutputs, kDim, "user_embedding", parameters_};
};

TEST_P(EmbeddingAdapterTest, IsTheFormula) {
  at::manual_seed(1);
  const at::Tensor x = at::randn({5, kShape.tokens, kShape.dim});
  auto parameter = [&](const std::string& name) {
    for (const Parameter& p : parameters_.all()) {
      if (p.name == "user_embedding." + name) return p.value;
    }
    return at::Tensor();
  };
  at::Tensor input = x;
  if (GetParam() == AdapterType::kGate) {
    const at::Tensor z = at::linear(x.flatten(1), parameter("gate.weight"), parameter("gate.bias"));
    const at::Tensor gates = (1 + z / (1 + z * z).sqrt()) / 2;
    EXPECT_EQ(gates.size(1), kShape.tokens);
    input = x * gates.unsqueeze(2);
  }
  const at::Tensor expected =
      at::linear(input.flatten(1), parameter("projection.weight"), parameter("projection.bias"));
  EXPECT_TRUE(at::allclose(adapter_.forward(x), expected, 1e-4, 1e-5));
}

TEST_P(EmbeddingAdapterTest, RowsDoNotDependOnTheirNumber) {
  at::manual_seed(2);
  const at::Tensor x = at::randn({3001, kShape.tokens, kShape.dim});
  const at::Tensor all = adapter_.forward(x);
  for (const int64_t rows : {1, 2, 15, 65, 1501}) {
    EXPECT_TRUE(at::equal(adapter_.forward(x.slice(0, 0, rows)), all.slice(0, 0, rows))) << rows;
  }
}

TEST_P(EmbeddingAdapterTest, EveryWeightGetsAGradient) {
  adapter_.forward(at::randn({3, kShape.tokens, kShape.dim})).square().sum().backward();
  for (const Parameter& parameter : parameters_.all()) {
    ASSERT_TRUE(parameter.value.grad().defined()) << parameter.name;
    EXPECT_GT(parameter.value.grad().abs().sum().item<float>(), 0) << parameter.name;
  }
}

INSTANTIATE_TEST_SUITE_P(Types, EmbeddingAdapterTest,
                         testing::Values(AdapterType::kLinear, AdapterType::kGate),
                         [](const auto& info) { return std::string(to_string(info.param)); });

}  // namespace
}  // namespace onefold
