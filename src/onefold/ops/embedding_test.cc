// SPDX-License-Identifier: Apache-2.0
#include "onefold/ops/embedding.h"

#include "onefold/ops/test_gradients.h"

namespace onefold {
namespace {

class EmbeddingOpTest : public testing::TestWithParam<at::DeviceType> {
 protected:
  at::Tensor ints(const std::vector<int32_t>& values) const {
    return at::tensor(values, at::kInt).to(GetParam());
  }
  at::Tensor longs(const std::vector<int64_t>& values) const {
    return at::tensor(values, at::kLong).to(GetParam());
  }
  at::TensorOptions options(at::ScalarType dtype) const {
    return at::TensorOptions(GetParam()).dtype(dtype);
  }
};

// Two pooled features of three bags over tables of 6 and 4 rows, side by side, and a sequence of
// five ids into the first table.
struct Example {
  std::vector<at::Tensor> ids;
  SortedIds sorted;
  Lookups lookups;
};

Example example(const std::vector<at::Tensor>& ids, const std::vector<at::Tensor>& offsets) {
  Example e{ids, id_sort(ids, {0, 6, 0}, {6, 4, 6}, 10), {}};
  e.lookups.offsets = offsets;
  e.lookups.num_ids = {ids[0].numel(), ids[1].numel(), ids[2].numel()};
  e.lookups.out_first = {0, 1, 6};
  e.lookups.out_stride = {2, 2, 1};
  e.lookups.out_rows = 6 + ids[2].numel();
  return e;
}

#define EXAMPLE                                                                  \
  example({longs({5, 0, 5, 2}), longs({1, 3, 3, 0, 1}), longs({5, 1, 1, 0, 5})}, \
          {ints({0, 3, 3, 4}), ints({0, 1, 3, 5})})

// The same by at::index_select and sums.
at::Tensor expected_out(const at::Tensor& weights, const Example& e, bool mean) {
  const at::Tensor tables[] = {weights.narrow(0, 0, 6), weights.narrow(0, 6, 4)};
  std::vector<at::Tensor> rows;
  for (int64_t bag = 0; bag < 3; ++bag) {
    for (int f = 0; f < 2; ++f) {
      const int64_t begin = e.lookups.offsets[f][bag].item<int>();
      const int64_t size = e.lookups.offsets[f][bag + 1].item<int>() - begin;
      at::Tensor sum = tables[f].index_select(0, e.ids[f].narrow(0, begin, size)).sum(0);
      rows.push_back(mean && size > 0 ? sum / static_cast<double>(size) : sum);
    }
  }
  return at::cat({at::stack(rows), tables[0].index_select(0, e.ids[2])});
}

TEST_P(EmbeddingOpTest, LooksUpPooledFeaturesAndSequences) {
  ONEFOLD_SKIP_WITHOUT_TORCH_DEVICE(GetParam());
  Example e = EXAMPLE;
  const at::Tensor weights = at::randn({10, 4}, options(at::kDouble));
  for (bool mean : {false, true}) {
    e.lookups.pooling = mean ? Pooling::kMean : Pooling::kSum;
    EXPECT_TRUE(at::allclose(embedding_bag(weights, {}, e.sorted, e.lookups),
                             expected_out(weights, e, mean)));
  }
}

TEST_P(EmbeddingOpTest, Gradients) {
  ONEFOLD_SKIP_WITHOUT_TORCH_DEVICE(GetParam());
  Example e = EXAMPLE;
  for (bool mean : {false, true}) {
    e.lookups.pooling = mean ? Pooling::kMean : Pooling::kSum;
    check_gradients(
        [&](const auto& x) { return embedding_bag(x[0] * x[0], {}, e.sorted, e.lookups); },
        {at::randn({10, 4}, options(at::kDouble))}, 1e-5, 1e-5);
  }
}

// The per-id weights are float32, so their gradient is compared with autograd's through
// index_select.
TEST_P(EmbeddingOpTest, IdWeightsAndTheirGradient) {
  ONEFOLD_SKIP_WITHOUT_TORCH_DEVICE(GetParam());
  const at::Tensor ids = longs({5, 0, 5, 2});
  const SortedIds sorted = id_sort({ids}, {0}, {6}, 6);
  at::Tensor weights = at::randn({6, 4}, options(at::kFloat)).requires_grad_(true);
  at::Tensor id_weights = at::randn({4}, options(at::kFloat)).requires_grad_(true);
  Lookups lookups;
  lookups.offsets = {ints({0, 3, 4})};
  lookups.num_ids = {4};
  lookups.out_first = {0};
  lookups.out_stride = {1};
  lookups.out_rows = 2;
  lookups.id_weights = id_weights;
  const at::Tensor out = embedding_bag(weights, {}, sorted, lookups);
  const at::Tensor each = weights.index_select(0, ids) * id_weights.unsqueeze(1);
  const at::Tensor expected = at::stack({each.narrow(0, 0, 3).sum(0), each[3]});
  EXPECT_TRUE(at::allclose(out, expected));
  const at::Tensor grad = at::randn_like(out);
  const auto got = torch::autograd::grad({out}, {weights, id_weights}, {grad});
  const auto want = torch::autograd::grad({expected}, {weights, id_weights}, {grad});
  EXPECT_TRUE(at::allclose(got[0], want[0], 1e-5, 1e-6));
  EXPECT_TRUE(at::allclose(got[1], want[1], 1e-5, 1e-6));
}

TEST_P(EmbeddingOpTest, FusedSgdStepsAlongTheDenseGradient) {
  ONEFOLD_SKIP_WITHOUT_TORCH_DEVICE(GetParam());
  const Example e = EXAMPLE;
  at::Tensor weights = at::randn({10, 4}, options(at::kFloat)).requires_grad_(true);
  const at::Tensor grad = at::randn({11, 4}, options(at::kFloat));
  const at::Tensor dense = torch::autograd::grad({embedding_bag(weights, {}, e.sorted, e.lookups)},
                                                 {weights}, {grad})[0];
  const at::Tensor expected = weights.detach() - 0.25 * dense;

  FusedOptimizer sgd{.kind = OptimizerKind::kSgd};
  sgd.learning_rate = at::full({1}, 0.25, options(at::kFloat));
  sgd.step = at::zeros({1}, options(at::kLong));
  embedding_bag(weights, sgd, e.sorted, e.lookups).backward(grad);
  EXPECT_FALSE(weights.grad().defined());
  EXPECT_EQ(sgd.step.item<int64_t>(), 1);
  EXPECT_TRUE(at::allclose(weights.detach(), expected));
}

TEST_P(EmbeddingOpTest, FusedAdamMovesOnlyWhatWasLookedUp) {
  ONEFOLD_SKIP_WITHOUT_TORCH_DEVICE(GetParam());
  const Example e = EXAMPLE;
  for (at::ScalarType dtype : {at::kFloat, at::kBFloat16, at::kHalf}) {
    at::Tensor weights = at::randn({10, 4}, options(dtype)).requires_grad_(true);
    const at::Tensor before = weights.detach().clone();
    FusedOptimizer adam{.kind = OptimizerKind::kAdam};
    adam.state = make_optimizer_state(adam.kind, weights);
    adam.learning_rate = at::full({1}, 0.5, options(at::kFloat));
    adam.step = at::zeros({1}, options(at::kLong));
    adam.stochastic_rounding = dtype != at::kFloat;
    for (int i = 0; i < 2; ++i) embedding_bag(weights, adam, e.sorted, e.lookups).sum().backward();
    const at::Tensor moved = (weights.detach() != before).any(1);
    // Table a: 5, 0, 2 pooled, 5, 1, 0 in the sequence. Table b from row 6: 1, 3, 0.
    EXPECT_TRUE(at::equal(moved.to(at::kInt), ints({1, 1, 1, 0, 0, 1, 1, 1, 0, 1}))) << dtype;
    EXPECT_EQ(adam.step.item<int64_t>(), 2);
  }
}

TEST_P(EmbeddingOpTest, RefusesStateOfAnotherShape) {
  ONEFOLD_SKIP_WITHOUT_TORCH_DEVICE(GetParam());
  const Example e = EXAMPLE;
  at::Tensor weights = at::randn({10, 4}, options(at::kFloat)).requires_grad_(true);
  FusedOptimizer adam{.kind = OptimizerKind::kAdam};
  EXPECT_THROW(embedding_bag(weights, adam, e.sorted, e.lookups), c10::Error);
  adam.learning_rate = at::full({1}, 0.5, options(at::kFloat));
  adam.step = at::zeros({1}, options(at::kLong));
  const at::Tensor out = embedding_bag(weights, adam, e.sorted, e.lookups);
  EXPECT_THROW(out.sum().backward(), c10::Error);
}

INSTANTIATE_TEST_SUITE_P(Devices, EmbeddingOpTest, testing::Values(at::kCPU, at::kCUDA),
                         [](const auto& info) {
                           return std::string(info.param == at::kCPU ? "cpu" : "cuda");
                         });

}  // namespace
}  // namespace onefold
