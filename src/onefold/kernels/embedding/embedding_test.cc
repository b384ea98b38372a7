// SPDX-License-Identifier: Apache-2.0
#include "onefold/kernels/embedding/embedding.h"

#include <cmath>
#include <memory>
#include <numeric>

#include "onefold/kernels/element.h"
#include "onefold/kernels/embedding/row_optimizer.h"
#include "onefold/kernels/id_sort/id_sort.h"
#include "onefold/kernels/test_device.h"
#include "onefold/kernels/test_values.h"

namespace onefold {
namespace {

// Lookups of pooled features, then of one sequence, into one table.
struct LookupCase {
  std::string name;
  std::vector<std::vector<int32_t>> lengths;  // per pooled feature, per bag
  int64_t sequence_ids = 0;
  int64_t num_rows = 1;
  bool skewed = false;  // most ids are row 0
};

std::vector<LookupCase> lookup_cases() {
  std::vector<LookupCase> cases = {
      {"nothing", {}, 0, 5},
      {"no_bags", {{}}, 0, 5},
      {"empty_bags", {{0, 0, 0}}, 0, 5},
      {"empty_first", {{0, 2, 1}}, 0, 5},
      {"empty_middle", {{2, 0, 0, 1}}, 0, 5},
      {"empty_last", {{1, 2, 0}}, 0, 5},
      {"sequence_only", {}, 37, 11},
      {"two_features_and_a_sequence", {{3, 0, 1, 2, 9}, {1, 1, 1, 1}}, 10, 7},
      {"one_row", {std::vector<int32_t>(50, 3)}, 40, 1},
      {"skewed", {std::vector<int32_t>(700, 2)}, 900, 50, true},
      {"long_bags", {{300, 0, 129, 1000}}, 0, 400},
  };
  for (int n : {7, 8, 9, 15, 16, 17, 31, 32, 33}) {
    cases.push_back({"bags_of_" + std::to_string(n), {std::vector<int32_t>(5, n)}, n, 20});
  }
  LookupCase many{"many_features", {}, 5, 30};
  for (int f = 0; f < 130; ++f) many.lengths.push_back({f % 3, 1});
  cases.push_back(many);
  return cases;
}

// Everything the kernels read and write, where they run. Out rows are bags side by side: feature f
// of the pooled ones is column f of [bags, features] when all have the same number of bags.
class Lookup {
 public:
  Lookup(DeviceType type, const LookupCase& shape) : type(type) {
    uint32_t seed = 7;
    const auto draw = [&](size_t size) {
      std::vector<int64_t> ids(size);
      for (int64_t& id : ids) {
        seed = seed * 1664525u + 1013904223u;
        id = shape.skewed && (seed >> 8) % 4 != 0 ? 0 : (seed >> 8) % shape.num_rows;
        if ((seed >> 8) % 53 == 0) id = -1;  // some are outside
      }
      return ids;
    };
    const auto add = [&](const std::vector<int64_t>& ids) {
      ids_.push_back(std::make_unique<TestArray<int64_t>>(type, ids));
      tables_.push_back({ids_.back()->data(), int64_t(ids.size()), 0, shape.num_rows});
      num_ids += ids.size();
    };
    for (const auto& lengths : shape.lengths) {
      std::vector<int32_t> offsets = {0};
      for (int32_t length : lengths) offsets.push_back(offsets.back() + length);
      offsets_.push_back(std::make_unique<TestArray<int32_t>>(type, offsets));
      add(draw(offsets.back()));
      host_offsets_.push_back(offsets);
      features.push_back({nullptr, int64_t(lengths.size()), offsets.back(), out_rows, 1});
      out_rows += lengths.size();
    }
    if (shape.sequence_ids > 0) {
      add(draw(shape.sequence_ids));
      features.push_back({nullptr, shape.sequence_ids, shape.sequence_ids, out_rows, 1});
      out_rows += shape.sequence_ids;
    }
    host_features = features;
    for (size_t f = 0; f < offsets_.size(); ++f) {
      features[f].offsets = offsets_[f]->data();
      host_features[f].offsets = host_offsets_[f].data();
    }
    sort(shape);
  }

  DeviceType type;
  std::vector<LookupFeature> features, host_features;
  int64_t num_ids = 0, out_rows = 0;
  std::unique_ptr<TestArray<int32_t>> rows, sorted_rows, positions, runs, counts;

 private:
  void sort(const LookupCase& shape) {
    const auto ints = [&](size_t size) { return std::make_unique<TestArray<int32_t>>(type, size); };
    rows = ints(num_ids);
    sorted_rows = ints(num_ids);
    positions = ints(num_ids);
    runs = ints(num_ids + 1);
    counts = ints(2);
    IdSortParams p;
    p.features = tables_.data();
    p.num_features = tables_.size();
    p.num_ids = num_ids;
    p.total_rows = shape.num_rows;
    p.rows = rows->data();
    p.sorted_rows = sorted_rows->data();
    p.sorted_positions = positions->data();
    p.run_offsets = runs->data();
    p.counts = counts->data();
    p.workspace_bytes = id_sort_workspace_bytes(num_ids, shape.num_rows, Device{.type = type});
    TestArray<char> workspace(type, p.workspace_bytes);
    p.workspace = workspace.data();
    id_sort(p, Device{.type = type});
    if (type == DeviceType::kCuda) cuda_synchronize();
  }

  std::vector<std::unique_ptr<TestArray<int64_t>>> ids_;
  std::vector<std::unique_ptr<TestArray<int32_t>>> offsets_;
  std::vector<std::vector<int32_t>> host_offsets_;
  std::vector<TableIds> tables_;
};

struct Forward {
  std::vector<float> out;
  std::vector<int32_t> id_out;
  std::vector<float> id_scale;
};

struct ForwardOptions {
  Pooling pooling = Pooling::kSum;
  bool weighted = false;
  bool sorted = true;
  int64_t width = 8;
};

// `scalar` runs the reference on the CPU.
template <typename W, typename O>
Forward forward_with(Lookup& lookup, const std::vector<float>& table, const ForwardOptions& options,
                     ScalarType weight_type, ScalarType out_type, bool scalar) {
  std::vector<typename W::Storage> stored(table.size());
  for (size_t i = 0; i < table.size(); ++i) stored[i] = W::store(table[i]);
  std::vector<float> weight_values = exact_values(lookup.num_ids, 9);
  TestArray<float> id_weights(lookup.type, weight_values);
  TestArray<typename W::Storage> weights(lookup.type, stored);
  TestArray<typename O::Storage> out(lookup.type, size_t(lookup.out_rows * options.width));
  TestArray<int32_t> id_out(lookup.type, size_t(lookup.num_ids));
  TestArray<float> id_scale(lookup.type, size_t(lookup.num_ids));
  EmbeddingForwardParams p;
  p.features = lookup.features.data();
  p.num_features = lookup.features.size();
  p.num_ids = lookup.num_ids;
  p.rows = lookup.rows->data();
  if (options.sorted) {
    p.sorted_rows = lookup.sorted_rows->data();
    p.sorted_positions = lookup.positions->data();
  }
  p.id_weights = options.weighted ? id_weights.data() : nullptr;
  p.pooling = options.pooling;
  p.weights = weights.data();
  p.weight_type = weight_type;
  p.width = options.width;
  p.out = out.data();
  p.out_type = out_type;
  p.id_out = id_out.data();
  p.id_scale = id_scale.data();
  if (scalar) {
    int64_t first_id = 0;
    for (int64_t f = 0; f < p.num_features; ++f) {
      embedding_forward_scalar(p, {f, first_id, 0, p.features[f].num_bags});
      first_id += p.features[f].num_ids;
    }
  } else {
    embedding_forward(p, Device{.type = lookup.type});
  }
  Forward result{{}, id_out.values(), id_scale.values()};
  for (auto x : out.values()) result.out.push_back(static_cast<float>(O::load(x)));
  return result;
}

class EmbeddingTest : public testing::TestWithParam<std::tuple<DeviceType, LookupCase>> {};

TEST_P(EmbeddingTest, ForwardEqualsTheScalarBody) {
  const auto& [type, shape] = GetParam();
  ONEFOLD_SKIP_WITHOUT_DEVICE(type);
  Lookup lookup(type, shape), reference(DeviceType::kCpu, shape);
  for (ForwardOptions options :
       {ForwardOptions{}, ForwardOptions{.width = 3}, ForwardOptions{.weighted = true, .width = 64},
        ForwardOptions{.sorted = false, .width = 132},
        ForwardOptions{.pooling = Pooling::kMean, .width = 16}}) {
    const std::vector<float> table = exact_values(shape.num_rows * options.width);
    const auto check = [&]<typename W, typename O>(W, O, ScalarType w, ScalarType o) {
      const Forward got = forward_with<W, O>(lookup, table, options, w, o, false);
      const Forward expected = forward_with<W, O>(reference, table, options, w, o, true);
      EXPECT_EQ(got.out, expected.out) << "width " << options.width << " type " << int(w);
      EXPECT_EQ(got.id_out, expected.id_out);
      EXPECT_EQ(got.id_scale, expected.id_scale);
    };
    using Float = Element<ScalarType::kFloat32>;
    using Half = Element<ScalarType::kFloat16>;
    using Brain = Element<ScalarType::kBFloat16>;
    using Double = Element<ScalarType::kFloat64>;
    check(Float{}, Float{}, ScalarType::kFloat32, ScalarType::kFloat32);
    check(Brain{}, Float{}, ScalarType::kBFloat16, ScalarType::kFloat32);
    check(Half{}, Float{}, ScalarType::kFloat16, ScalarType::kFloat32);
    check(Half{}, Half{}, ScalarType::kFloat16, ScalarType::kFloat16);
    check(Double{}, Double{}, ScalarType::kFloat64, ScalarType::kFloat64);
  }
}

struct UpdateOptions {
  OptimizerKind optimizer = OptimizerKind::kSgd;
  int64_t width = 8;
  bool stochastic_rounding = false;
  int steps = 2;
};

struct Updated {
  std::vector<float> weights, state, state2;
};

// Steps of an optimizer over random gradients, on the device of `lookup`.
template <typename W>
Updated update_with(Lookup& lookup, const LookupCase& shape, const UpdateOptions& options,
                    ScalarType weight_type) {
  const DeviceType type = lookup.type;
  const Device device{.type = type};
  const size_t elements = shape.num_rows * options.width;
  std::vector<typename W::Storage> stored = random_values<W>(elements, 3);
  TestArray<typename W::Storage> weights(type, stored);
  TestArray<float> state(type, std::vector<float>(elements, 0.0f)),
      state2(type, std::vector<float>(elements, 0.0f)), rate(type, std::vector<float>{0.1f});
  TestArray<int64_t> step(type, std::vector<int64_t>{0});
  const std::vector<float> table(elements, 0.0f);
  const Forward forward =
      forward_with<W, W>(lookup, table, {.pooling = Pooling::kMean, .width = options.width},
                         weight_type, weight_type, false);
  TestArray<int32_t> id_out(type, forward.id_out);
  TestArray<float> id_scale(type, forward.id_scale);
  TestArray<char> workspace(type, embedding_update_workspace_bytes(lookup.num_ids, options.width,
                                                                   ScalarType::kFloat32, device));
  for (int i = 0; i < options.steps; ++i) {
    TestArray<float> grad(type, random_values<Element<ScalarType::kFloat32>>(
                                    lookup.out_rows * options.width, 100 + i));
    EmbeddingUpdateParams p;
    p.grad_out = grad.data();
    p.width = options.width;
    p.num_ids = lookup.num_ids;
    p.sorted_rows = lookup.sorted_rows->data();
    p.sorted_positions = lookup.positions->data();
    p.run_offsets = lookup.runs->data();
    p.counts = lookup.counts->data();
    p.id_out = id_out.data();
    p.id_scale = id_scale.data();
    p.weights = weights.data();
    p.weight_type = weight_type;
    p.optimizer = options.optimizer;
    p.state = state.data();
    p.state2 = state2.data();
    p.learning_rate = rate.data();
    p.step = step.data();
    p.stochastic_rounding = options.stochastic_rounding;
    p.seed = 42;
    p.workspace = workspace.data();
    embedding_update(p, device);
    if (type == DeviceType::kCuda) cuda_synchronize();
  }
  const bool dense = options.optimizer == OptimizerKind::kDenseGradient;
  EXPECT_EQ(step.values()[0], dense ? 0 : options.steps);
  Updated result{{}, state.values(), state2.values()};
  for (auto x : weights.values()) result.weights.push_back(W::load(x));
  return result;
}

// The optimizers' formulas in double over dense gradients, for float32 weights.
Updated reference_update(Lookup& lookup, const LookupCase& shape, const UpdateOptions& options) {
  const int64_t width = options.width, elements = shape.num_rows * width;
  const auto start = random_values<Element<ScalarType::kFloat32>>(elements, 3);
  std::vector<double> w(start.begin(), start.end()), s(elements, 0.0), s2(elements, 0.0);
  const std::vector<int32_t> rows = lookup.rows->values();
  const std::vector<float> table(elements, 0.0f);
  const Forward forward =
      forward_with<Element<ScalarType::kFloat32>, Element<ScalarType::kFloat32>>(
          lookup, table, {.pooling = Pooling::kMean, .width = width}, ScalarType::kFloat32,
          ScalarType::kFloat32, true);
  for (int t = 1; t <= options.steps; ++t) {
    const auto grad =
        random_values<Element<ScalarType::kFloat32>>(lookup.out_rows * width, 100 + t - 1);
    std::vector<double> g(elements, 0.0);
    std::vector<bool> touched(shape.num_rows, false);
    for (int64_t i = 0; i < lookup.num_ids; ++i) {
      if (rows[i] < 0) continue;
      touched[rows[i]] = true;
      for (int64_t d = 0; d < width; ++d) {
        g[rows[i] * width + d] += double(forward.id_scale[i]) * grad[forward.id_out[i] * width + d];
      }
    }
    for (int64_t r = 0; r < shape.num_rows; ++r) {
      if (!touched[r]) continue;
      double square = 0;
      for (int64_t d = 0; d < width; ++d) square += g[r * width + d] * g[r * width + d] / width;
      if (options.optimizer == OptimizerKind::kRowWiseAdagrad) s[r] += square;
      for (int64_t e = r * width; e < (r + 1) * width; ++e) {
        switch (options.optimizer) {
          case OptimizerKind::kDenseGradient:
            w[e] = g[e];
            break;
          case OptimizerKind::kSgd:
            w[e] -= 0.1 * g[e];
            break;
          case OptimizerKind::kAdagrad:
            s[e] += g[e] * g[e];
            w[e] -= 0.1 * g[e] / (std::sqrt(s[e]) + 1e-8);
            break;
          case OptimizerKind::kRowWiseAdagrad:
            w[e] -= 0.1 * g[e] / (std::sqrt(s[r]) + 1e-8);
            break;
          case OptimizerKind::kAdam:
            s[e] = 0.9 * s[e] + 0.1 * g[e];
            s2[e] = 0.999 * s2[e] + 0.001 * g[e] * g[e];
            w[e] -= 0.1 * s[e] / (1 - std::pow(0.9, t)) /
                    (std::sqrt(s2[e] / (1 - std::pow(0.999, t))) + 1e-8);
            break;
        }
      }
    }
  }
  return {{w.begin(), w.end()}, {s.begin(), s.end()}, {s2.begin(), s2.end()}};
}

double distance(const std::vector<float>& a, const std::vector<float>& b) {
  return relative_error<Element<ScalarType::kFloat32>>(a, b);
}

TEST_P(EmbeddingTest, OptimizersFollowTheirFormulas) {
  const auto& [type, shape] = GetParam();
  ONEFOLD_SKIP_WITHOUT_DEVICE(type);
  Lookup lookup(type, shape), reference(DeviceType::kCpu, shape);
  for (OptimizerKind optimizer :
       {OptimizerKind::kDenseGradient, OptimizerKind::kSgd, OptimizerKind::kAdagrad,
        OptimizerKind::kRowWiseAdagrad, OptimizerKind::kAdam}) {
    for (int64_t width : {3, 8, 36, 128, 132, 260, 520}) {
      const UpdateOptions options{.optimizer = optimizer, .width = width};
      const Updated got =
          update_with<Element<ScalarType::kFloat32>>(lookup, shape, options, ScalarType::kFloat32);
      const Updated expected = reference_update(reference, shape, options);
      EXPECT_LT(distance(got.weights, expected.weights), 1e-5) << int(optimizer) << " " << width;
      EXPECT_LT(distance(got.state, expected.state), 1e-5) << int(optimizer) << " " << width;
      EXPECT_LT(distance(got.state2, expected.state2), 1e-5) << int(optimizer) << " " << width;
    }
  }
}

TEST_P(EmbeddingTest, SixteenBitWeightsFollowFloatOnes) {
  const auto& [type, shape] = GetParam();
  ONEFOLD_SKIP_WITHOUT_DEVICE(type);
  if (shape.num_rows > 100) GTEST_SKIP() << "covered by the smaller shapes";
  Lookup lookup(type, shape), reference(DeviceType::kCpu, shape);
  for (bool stochastic : {false, true}) {
    const UpdateOptions options{OptimizerKind::kAdam, 16, stochastic, 1};
    const Updated expected = reference_update(reference, shape, options);
    EXPECT_LT(distance(update_with<Element<ScalarType::kBFloat16>>(lookup, shape, options,
                                                                   ScalarType::kBFloat16)
                           .weights,
                       expected.weights),
              1e-2);
    EXPECT_LT(distance(update_with<Element<ScalarType::kFloat16>>(lookup, shape, options,
                                                                  ScalarType::kFloat16)
                           .weights,
                       expected.weights),
              2e-3);
  }
}

TEST_P(EmbeddingTest, SameBitsInEveryRun) {
  const auto& [type, shape] = GetParam();
  ONEFOLD_SKIP_WITHOUT_DEVICE(type);
  Lookup lookup(type, shape);
  const UpdateOptions options{OptimizerKind::kAdam, 20, true, 3};
  const Updated first =
      update_with<Element<ScalarType::kBFloat16>>(lookup, shape, options, ScalarType::kBFloat16);
  const Updated second =
      update_with<Element<ScalarType::kBFloat16>>(lookup, shape, options, ScalarType::kBFloat16);
  EXPECT_EQ(first.weights, second.weights);
  EXPECT_EQ(first.state, second.state);
  EXPECT_EQ(first.state2, second.state2);
}

TEST_P(EmbeddingTest, IdWeightGradient) {
  const auto& [type, shape] = GetParam();
  ONEFOLD_SKIP_WITHOUT_DEVICE(type);
  Lookup lookup(type, shape);
  const int64_t width = 36;
  const std::vector<float> table = exact_values(shape.num_rows * width, 5);
  const std::vector<float> grad = exact_values(lookup.out_rows * width, 6);
  using Float = Element<ScalarType::kFloat32>;
  const Forward forward = forward_with<Float, Float>(
      lookup, table, {.width = width}, ScalarType::kFloat32, ScalarType::kFloat32, false);
  TestArray<float> weights(type, table), grad_out(type, grad),
      gradient(type, size_t(lookup.num_ids));
  TestArray<int32_t> id_out(type, forward.id_out);
  id_weight_gradient({grad_out.data(), ScalarType::kFloat32, weights.data(), ScalarType::kFloat32,
                      width, lookup.num_ids, lookup.rows->data(), id_out.data(), gradient.data()},
                     Device{.type = type});
  const std::vector<int32_t> rows = lookup.rows->values();
  std::vector<float> expected(lookup.num_ids, 0.0f);
  for (int64_t i = 0; i < lookup.num_ids; ++i) {
    for (int64_t d = 0; rows[i] >= 0 && d < width; ++d) {
      expected[i] += table[rows[i] * width + d] * grad[forward.id_out[i] * width + d];
    }
  }
  EXPECT_EQ(gradient.values(), expected);
}

INSTANTIATE_TEST_SUITE_P(Shapes, EmbeddingTest,
                         testing::Combine(testing::Values(DeviceType::kCpu, DeviceType::kCuda),
                                          testing::ValuesIn(lookup_cases())),
                         [](const auto& info) {
                           return device_name(std::get<0>(info.param)) + "_" +
                                  std::get<1>(info.param).name;
                         });

// Every result is one of the two neighbours, and the mean is the number itself.
TEST(StochasticRounding, IsRightOnAverage) {
  for (float x : {1.0f + 0x1p-9f, -3.3f, 1e-3f, 1e-6f, 0x1p-14f + 0x1p-26f, 0.0f}) {
    double bfloat16_sum = 0, float16_sum = 0;
    const int n = 20000;
    for (int i = 0; i < n; ++i) {
      const uint32_t random = rounding_bits(1, 2, i);
      const float b = bfloat16_to_float(bfloat16_stochastic(x, random));
      const float h = float16_to_float(float16_stochastic(x, random));
      EXPECT_LE(std::abs(b - x), std::abs(x) * 0x1p-7);
      EXPECT_LE(std::abs(h - x), std::max(std::abs(x) * 0x1p-10, 0x1p-24));
      bfloat16_sum += b;
      float16_sum += h;
    }
    // Four standard deviations of the mean of n numbers spread over one step.
    EXPECT_NEAR(bfloat16_sum / n, x, 4 * std::abs(x) * 0x1p-7 / 2 / std::sqrt(n));
    EXPECT_NEAR(float16_sum / n, x,
                4 * std::max(std::abs(x) * 0x1p-10, 0x1p-24) / 2 / std::sqrt(n));
  }
}

TEST(StochasticRounding, KeepsWhatNeedsNoRounding) {
  EXPECT_EQ(bfloat16_stochastic(1.5f, 0xffffffffu), float_to_bfloat16(1.5f));
  EXPECT_EQ(float16_stochastic(1.5f, 0xffffffffu), float_to_float16(1.5f));
  EXPECT_EQ(float16_stochastic(-0x1p-24f, 0xffffffffu), float_to_float16(-0x1p-24f));
  EXPECT_EQ(bfloat16_stochastic(INFINITY, 0xffffffffu), float_to_bfloat16(INFINITY));
  EXPECT_EQ(float16_stochastic(-INFINITY, 0xffffffffu), float_to_float16(-INFINITY));
  EXPECT_TRUE(std::isnan(bfloat16_to_float(bfloat16_stochastic(NAN, 0xffffffffu))));
  EXPECT_TRUE(std::isnan(float16_to_float(float16_stochastic(NAN, 0))));
}

}  // namespace
}  // namespace onefold
