// SPDX-License-Identifier: Apache-2.0
#include "onefold/kernels/folded_attention/folded_attention.h"

#include <algorithm>

#include "onefold/kernels/element.h"
#include "onefold/kernels/index_csr/index_csr.h"
#include "onefold/kernels/test_device.h"
#include "onefold/kernels/test_values.h"

namespace onefold {
namespace {

// How far a body may be from the scalar one, which sums in float (double) in another order. The
// CUDA bodies for 16-bit types also round softmax weights and score gradients to the type.
double tolerance(ScalarType type) {
  switch (type) {
    case ScalarType::kFloat64:
      return 1e-12;
    case ScalarType::kFloat32:
      return 1e-5;
    case ScalarType::kFloat16:
      return 2e-3;
    case ScalarType::kBFloat16:
      return 1.2e-2;
  }
  return 0;
}

// Rows of samples and keys, on the host.
struct Case {
  std::vector<int32_t> key_offsets, sample_offsets, samples;
  int64_t num_rows = 0;
};

// Row lengths around every tile size, empty ones among them.
Case make_case(const IndexCase& index) {
  static constexpr int kLengths[] = {5, 0, 1, 16, 17, 64, 63, 65, 7, 130, 2, 15, 33, 31, 32};
  Case c;
  c.num_rows = index.num_rows;
  c.key_offsets = {0};
  for (int64_t row = 0; row < c.num_rows; ++row) {
    c.key_offsets.push_back(c.key_offsets.back() + kLengths[row % std::size(kLengths)]);
  }
  c.sample_offsets.resize(c.num_rows + 1);
  c.samples.resize(index.index.size());
  index_csr_scalar({index.index.data(), int64_t(index.index.size()), c.num_rows,
                    c.sample_offsets.data(), c.samples.data(), nullptr, 0});
  return c;
}

FoldedAttention shape_of(const Case& c, ScalarType type, int heads, int head_dim) {
  FoldedAttention shape{};
  shape.type = type;
  shape.num_rows = c.num_rows;
  shape.num_samples = c.samples.size();
  shape.num_keys = c.key_offsets.back();
  shape.num_heads = heads;
  shape.head_dim = head_dim;
  shape.scale = 1.0 / std::sqrt(head_dim);
  shape.query_stride = shape.key_stride = shape.value_stride = int64_t{heads} * head_dim;
  return shape;
}

template <typename E>
struct Results {
  std::vector<typename E::Storage> output, grad_query, grad_key, grad_value;
  std::vector<typename E::Sum> logsumexp;

  bool operator==(const Results&) const = default;
};

template <typename E>
struct Inputs {
  std::vector<typename E::Storage> query, key, value, grad_output;

  Inputs(const FoldedAttention& shape, uint64_t seed)
      : query(random_values<E>(shape.num_samples * shape.query_stride, seed)),
        key(random_values<E>(shape.num_keys * shape.key_stride, seed + 1)),
        value(random_values<E>(shape.num_keys * shape.value_stride, seed + 2)),
        grad_output(
            random_values<E>(shape.num_samples * shape.num_heads * shape.head_dim, seed + 3)) {}
};

// Forward and backward; `scalar` calls the reference instead of the chosen body.
template <typename E>
Results<E> run(DeviceType type, const Case& c, FoldedAttention shape, const Inputs<E>& in,
               bool scalar = false) {
  using T = typename E::Storage;
  using C = typename E::Sum;
  TestArray<int32_t> key_offsets(type, c.key_offsets), sample_offsets(type, c.sample_offsets),
      samples(type, c.samples);
  shape.key_offsets = key_offsets.data();
  shape.sample_offsets = sample_offsets.data();
  if (!c.samples.empty()) shape.samples = samples.data();
  TestArray<T> query(type, in.query), key(type, in.key), value(type, in.value),
      grad_output(type, in.grad_output);
  const size_t out_size = shape.num_samples * shape.num_heads * shape.head_dim;
  const size_t key_size = shape.num_keys * shape.num_heads * shape.head_dim;
  TestArray<T> output(type, out_size), grad_query(type, out_size), grad_key(type, key_size),
      grad_value(type, key_size);
  TestArray<C> logsumexp(type, size_t(shape.num_samples * shape.num_heads));
  const Device device{.type = type};
  TestArray<char> workspace(type, folded_attention_backward_workspace_bytes(device, shape));
  const FoldedAttentionGradient tensors{
      query.data(),       key.data(),        value.data(),    output.data(),     logsumexp.data(),
      grad_output.data(), grad_query.data(), grad_key.data(), grad_value.data(), workspace.data()};
  const int64_t items = shape.num_rows * shape.num_heads;
  if (scalar) {
    folded_attention_scalar(shape, query.data(), key.data(), value.data(), output.data(),
                            logsumexp.data(), 0, items);
    folded_attention_backward_scalar(shape, tensors, 0, items);
  } else {
    folded_attention(device, shape, query.data(), key.data(), value.data(), output.data(),
                     logsumexp.data());
    folded_attention_backward(device, shape, tensors);
  }
  return {output.values(), grad_query.values(), grad_key.values(), grad_value.values(),
          logsumexp.values()};
}

template <typename E>
void expect_near(const Results<E>& got, const Results<E>& want, double tolerance) {
  using Logs = Element<std::is_same_v<typename E::Sum, double> ? ScalarType::kFloat64
                                                               : ScalarType::kFloat32>;
  EXPECT_LT(relative_error<E>(got.output, want.output), tolerance);
  EXPECT_LT(relative_error<Logs>(got.logsumexp, want.logsumexp), tolerance);
  EXPECT_LT(relative_error<E>(got.grad_query, want.grad_query), tolerance);
  EXPECT_LT(relative_error<E>(got.grad_key, want.grad_key), tolerance);
  EXPECT_LT(relative_error<E>(got.grad_value, want.grad_value), tolerance);
}

void check(DeviceType type, const Case& c, const FoldedAttention& shape, double slack = 1) {
  with_element(shape.type, [&]<typename E>(E) {
    SCOPED_TRACE(testing::Message() << "type " << int(shape.type) << " head_dim " << shape.head_dim
                                    << " causal " << shape.causal);
    const Inputs<E> in(shape, 7);
    const Results<E> got = run<E>(type, c, shape, in);
    expect_near(got, run<E>(DeviceType::kCpu, c, shape, in, true), slack * tolerance(shape.type));
    EXPECT_TRUE(got == run<E>(type, c, shape, in)) << "two runs differ";
  });
}

constexpr ScalarType kAllTypes[] = {ScalarType::kFloat32, ScalarType::kFloat64,
                                    ScalarType::kBFloat16, ScalarType::kFloat16};

class FoldedAttentionTest : public testing::TestWithParam<std::tuple<DeviceType, IndexCase>> {};

TEST_P(FoldedAttentionTest, EqualsScalar) {
  const auto& [type, index] = GetParam();
  ONEFOLD_SKIP_WITHOUT_DEVICE(type);
  const Case c = make_case(index);
  for (ScalarType scalar : kAllTypes) check(type, c, shape_of(c, scalar, 2, 8));
}

INSTANTIATE_TEST_SUITE_P(Shapes, FoldedAttentionTest,
                         testing::Combine(testing::Values(DeviceType::kCpu, DeviceType::kCuda),
                                          testing::ValuesIn(index_cases())),
                         [](const auto& info) {
                           return device_name(std::get<0>(info.param)) + "_" +
                                  std::get<1>(info.param).name;
                         });

class FoldedAttentionDeviceTest : public testing::TestWithParam<DeviceType> {};

// Few rows shared by many samples, so that every tile of samples and keys is full somewhere.
Case wide_case(int num_samples, std::vector<int> lengths) {
  Case c;
  c.num_rows = lengths.size();
  c.key_offsets = {0};
  for (int length : lengths) c.key_offsets.push_back(c.key_offsets.back() + length);
  IndexCase index{"wide", std::vector<int32_t>(num_samples), c.num_rows};
  for (int i = 0; i < num_samples; ++i) index.index[i] = (i * 7) % c.num_rows;
  c.sample_offsets.resize(c.num_rows + 1);
  c.samples.resize(num_samples);
  index_csr_scalar({index.index.data(), num_samples, c.num_rows, c.sample_offsets.data(),
                    c.samples.data(), nullptr, 0});
  return c;
}

TEST_P(FoldedAttentionDeviceTest, HeadDims) {
  ONEFOLD_SKIP_WITHOUT_DEVICE(GetParam());
  const Case c = wide_case(75, {70, 1, 129});
  for (ScalarType type : kAllTypes) {
    for (int dim : {1, 3, 8, 24, 32, 40, 64, 72, 128, 136, 256}) {
      check(GetParam(), c, shape_of(c, type, 1, dim));
    }
  }
}

TEST_P(FoldedAttentionDeviceTest, ManySamplesPerRow) {
  ONEFOLD_SKIP_WITHOUT_DEVICE(GetParam());
  const Case c = wide_case(300, {150, 131});
  for (ScalarType type : kAllTypes) {
    for (int dim : {64, 128}) check(GetParam(), c, shape_of(c, type, 1, dim));
  }
}

TEST_P(FoldedAttentionDeviceTest, CausalSelfAttention) {
  ONEFOLD_SKIP_WITHOUT_DEVICE(GetParam());
  Case c = wide_case(0, {70, 0, 1, 129, 64, 16});
  c.sample_offsets = c.key_offsets;
  for (int32_t i = 0; i < c.key_offsets.back(); ++i) c.samples.push_back(i);
  for (ScalarType type : kAllTypes) {
    for (int dim : {16, 64}) {
      FoldedAttention shape = shape_of(c, type, 2, dim);
      shape.causal = true;
      check(GetParam(), c, shape);
    }
  }
}

// Queries, keys and values side by side, as one linear layer makes them.
TEST_P(FoldedAttentionDeviceTest, StridedInputs) {
  ONEFOLD_SKIP_WITHOUT_DEVICE(GetParam());
  const Case c = wide_case(40, {33, 20});
  for (ScalarType type : kAllTypes) {
    FoldedAttention shape = shape_of(c, type, 2, 64);
    shape.query_stride = 160;
    shape.key_stride = 256;
    shape.value_stride = 136;
    check(GetParam(), c, shape);
  }
}

// Scores of +-90 overflow exp() without the maximum, and one key takes all the weight.
TEST_P(FoldedAttentionDeviceTest, LargeScores) {
  ONEFOLD_SKIP_WITHOUT_DEVICE(GetParam());
  const Case c = wide_case(20, {100});
  for (ScalarType type : kAllTypes) {
    FoldedAttention shape = shape_of(c, type, 1, 64);
    shape.scale = 15;
    check(GetParam(), c, shape, 5);  // an error of a score is an error of its weight, times 15
  }
}

// Values of the next row are loaded with a row's last tile; they must not leak, even as NaN.
TEST_P(FoldedAttentionDeviceTest, NeighboursDoNotLeak) {
  ONEFOLD_SKIP_WITHOUT_DEVICE(GetParam());
  const Case c = wide_case(40, {33, 20});
  for (ScalarType type : kAllTypes) {
    const FoldedAttention shape = shape_of(c, type, 2, 64);
    with_element(type, [&]<typename E>(E) {
      Inputs<E> in(shape, 7);
      const Results<E> clean = run<E>(GetParam(), c, shape, in);
      for (size_t i = 33 * 128; i < in.value.size(); ++i) {
        in.value[i] = in.key[i] = E::store(NAN);
      }
      const Results<E> dirty = run<E>(GetParam(), c, shape, in);
      for (int place = 0; place < c.sample_offsets[1]; ++place) {
        const size_t at = c.samples[place] * 128;
        EXPECT_TRUE(std::equal(&clean.output[at], &clean.output[at] + 128, &dirty.output[at]));
        EXPECT_TRUE(
            std::equal(&clean.grad_query[at], &clean.grad_query[at] + 128, &dirty.grad_query[at]));
      }
    });
  }
}

INSTANTIATE_TEST_SUITE_P(Devices, FoldedAttentionDeviceTest,
                         testing::Values(DeviceType::kCpu, DeviceType::kCuda),
                         [](const auto& info) { return device_name(info.param); });

// Training with and without folding must give the same loss, bit for bit in float32 on the CPU.
TEST(FoldedAttention, FoldingDoesNotChangeABit) {
  const Case folded = wide_case(75, {70, 1, 129});
  const FoldedAttention shape = shape_of(folded, ScalarType::kFloat32, 2, 40);
  using E = Element<ScalarType::kFloat32>;
  const Inputs<E> in(shape, 7);
  const std::vector<float> output = run<E>(DeviceType::kCpu, folded, shape, in).output;

  Case expanded;  // one row per sample
  expanded.num_rows = 75;
  expanded.key_offsets = expanded.sample_offsets = {0};
  Inputs<E> expanded_in = in;
  expanded_in.key.clear();
  expanded_in.value.clear();
  for (int i = 0; i < 75; ++i) {
    const int row = (i * 7) % 3;
    const int begin = folded.key_offsets[row] * 80, end = folded.key_offsets[row + 1] * 80;
    expanded_in.key.insert(expanded_in.key.end(), &in.key[begin], &in.key[begin] + end - begin);
    expanded_in.value.insert(expanded_in.value.end(), &in.value[begin],
                             &in.value[begin] + end - begin);
    expanded.key_offsets.push_back(expanded.key_offsets.back() + (end - begin) / 80);
    expanded.sample_offsets.push_back(i + 1);
    expanded.samples.push_back(i);
  }
  const FoldedAttention expanded_shape = shape_of(expanded, ScalarType::kFloat32, 2, 40);
  EXPECT_EQ(output, run<E>(DeviceType::kCpu, expanded, expanded_shape, expanded_in).output);
}

}  // namespace
}  // namespace onefold
