// SPDX-License-Identifier: Apache-2.0
// Adam and row-wise Adagrad against scalar loops in double.
#include "onefold/train/optimizers.h"

#include <cmath>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "onefold/model/planted_batches.h"

namespace onefold {
namespace {

TEST(Adam, FollowsTheFormula) {
  at::manual_seed(1);
  const at::Tensor value = at::randn({70000}).set_requires_grad(true);  // several tasks
  const at::Tensor unused = at::ones({3}).set_requires_grad(true);
  Adam adam({{"a", value}, {"unused", unused}}, {.learning_rate = 0.01});
  double w = value[65000].item<double>(), m = 0, v = 0;
  for (int step = 1; step <= 20; ++step) {
    const at::Tensor grad = at::randn({70000});
    value.mutable_grad() = grad;
    const double g = grad[65000].item<double>();
    m = 0.9 * m + 0.1 * g;
    v = 0.999 * v + 0.001 * g * g;
    const double mean = m / (1 - std::pow(0.9, step)), variance = v / (1 - std::pow(0.999, step));
    w -= 0.01 * mean / (std::sqrt(variance) + 1e-8);
    adam.step();
    EXPECT_FALSE(value.grad().defined());
    EXPECT_NEAR(value[65000].item<double>(), w, 1e-5);
  }
  EXPECT_TRUE(at::equal(unused, at::ones({3})));
  EXPECT_EQ(adam.steps(), 20);
}

TEST(RowAdagrad, FollowsTheFormulaOnTouchedRowsOnly) {
  at::manual_seed(2);
  const at::Tensor weight = at::randn({50, 6}), before = weight.clone();
  RowAdagrad adagrad(50, {.learning_rate = 0.1, .epsilon = 1e-6});
  std::vector<double> state(50, 0), reference(300);
  for (int64_t i = 0; i < 300; ++i) reference[i] = before.view({-1})[i].item<double>();
  for (const std::vector<int64_t>& ids :
       {std::vector<int64_t>{3, 40, 7}, {7, 0}, {}, {49, 7, 3, 1}}) {
    const at::Tensor grad = at::randn({static_cast<int64_t>(ids.size()), 6});
    adagrad.update(weight, at::tensor(ids, at::kLong), grad);
    for (size_t i = 0; i < ids.size(); ++i) {
      double sum = 0;
      for (int64_t d = 0; d < 6; ++d) sum += std::pow(grad[i][d].item<double>(), 2);
      state[ids[i]] += sum / 6;
      for (int64_t d = 0; d < 6; ++d) {
        reference[ids[i] * 6 + d] -=
            0.1 * grad[i][d].item<double>() / (std::sqrt(state[ids[i]]) + 1e-6);
      }
    }
  }
  for (int64_t row = 0; row < 50; ++row) {
    if (state[row] == 0) {
      EXPECT_TRUE(at::equal(weight[row], before[row])) << row;
    }
    EXPECT_NEAR(adagrad.state()[row].item<double>(), state[row], 1e-5);
    for (int64_t d = 0; d < 6; ++d) {
      EXPECT_NEAR(weight[row][d].item<double>(), reference[row * 6 + d], 1e-5);
    }
  }
}

TEST(Optimizers, NamesEveryTensorOnce) {
  const Dlrm model(planted_model(BlockType::kTransformer), 1);
  const Optimizers optimizers(model, {});
  std::vector<std::string> names;
  for (const NamedTensor& tensor : optimizers.model_tensors()) names.push_back(tensor.name);
  for (const NamedTensor& tensor : optimizers.optimizer_tensors()) names.push_back(tensor.name);
  const size_t parameters = model.parameters().all().size(), tables = model.tables().size();
  EXPECT_EQ(names.size(), 3 * parameters + 2 * tables);
  std::sort(names.begin(), names.end());
  EXPECT_EQ(std::unique(names.begin(), names.end()), names.end());
}

}  // namespace
}  // namespace onefold
