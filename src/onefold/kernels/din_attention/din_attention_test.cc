// SPDX-License-Identifier: Apache-2.0
#include "onefold/kernels/din_attention/din_attention.h"

#include <algorithm>
#include <cmath>

#include "onefold/kernels/index_csr/index_csr.h"
#include "onefold/kernels/test_device.h"

namespace onefold {
namespace {

struct Case {
  std::string name;
  std::vector<int32_t> lengths;  // of rows
  std::vector<int32_t> inverse;  // row of each sample
};

std::vector<Case> cases() {
  std::vector<Case> all = {
      {"nothing", {}, {}},
      {"no_samples", {3, 0}, {}},
      {"empty_rows", {0, 5, 0, 7, 0}, {4, 3, 0, 1, 3, 2}},
      {"unused_row", {4, 9, 2}, {2, 0, 0}},
      {"tiles", {63, 64, 65, 129}, {0, 1, 2, 3, 3, 1}},
  };
  for (int32_t n : {15, 16, 17, 33}) {
    all.push_back({"shared_by_" + std::to_string(n), {20, 6}, std::vector<int32_t>(n, 0)});
  }
  return all;
}

struct Problem {
  Problem(const Case& c, int64_t width, int64_t hidden) : inverse(c.inverse) {
    for (int32_t length : c.lengths) offsets.push_back(offsets.back() + length);
    const int64_t rows = c.lengths.size(), samples = inverse.size();
    sample_offsets.resize(rows + 1);
    members.resize(samples);
    index_csr_scalar(
        {inverse.data(), samples, rows, sample_offsets.data(), members.data(), nullptr, 0});
    shape = {ScalarType::kFloat32,
             rows,
             samples,
             offsets.back(),
             width,
             hidden,
             offsets.data(),
             sample_offsets.data(),
             members.data()};
    const auto values = [](size_t size, uint32_t seed) {
      std::vector<float> out = exact_values(size, seed);
      for (float& value : out) value *= 0.3f;
      return out;
    };
    arrays = {values(samples * width, 1),
              values(samples * hidden, 2),
              values(offsets.back() * width, 3),
              values(offsets.back() * hidden, 4),
              values(hidden * width, 5),
              values(hidden, 6),
              values(1, 7),
              values(samples * width, 8)};
    inputs = {arrays[0].data(), arrays[1].data(), arrays[2].data(), arrays[3].data(),
              arrays[4].data(), arrays[5].data(), arrays[6].data()};
  }

  std::vector<int32_t> offsets = {0}, inverse, sample_offsets, members;
  DinShape shape;
  std::vector<std::vector<float>> arrays;  // as DinInputs, then the gradient of the result
  DinInputs inputs;
};

enum class Body { kDispatched, kScalar };
using Results = std::vector<std::vector<float>>;  // out, then the gradients

Results run(const Problem& p, Body body) {
  constexpr float kPoison = 1e30f;
  Results r = {std::vector<float>(p.arrays[0].size(), kPoison)};
  for (int i = 0; i < 7; ++i) r.emplace_back(p.arrays[i].size(), kPoison);
  const DinGradients gradients = {p.arrays[7].data(), r[1].data(), r[2].data(), r[3].data(),
                                  r[4].data(),        r[5].data(), r[6].data(), r[7].data()};
  if (body == Body::kDispatched) {
    std::vector<char> workspace(std::max(din_attention_workspace_bytes(p.shape),
                                         din_attention_backward_workspace_bytes(p.shape)) +
                                1);
    din_attention(Device{}, p.shape, p.inputs, r[0].data(), workspace.data());
    din_attention_backward(Device{}, p.shape, p.inputs, gradients, workspace.data());
    return r;
  }
  const int64_t hidden = p.shape.hidden, products = hidden * p.shape.width;
  std::vector<float> sums(products + hidden + 1, 0.0f);
  din_attention_scalar(p.shape, p.inputs, r[0].data(), {0, p.shape.num_samples});
  din_attention_backward_scalar(p.shape, p.inputs, gradients, sums.data(), {0, p.shape.num_rows});
  r[5].assign(sums.begin(), sums.begin() + products);
  r[6].assign(sums.begin() + products, sums.end() - 1);
  r[7] = {sums.back()};
  return r;
}

class DinAttentionTest : public testing::TestWithParam<Case> {};

TEST_P(DinAttentionTest, EqualsTheReference) {
  for (auto [width, hidden] : {std::pair{1, 1}, {8, 16}, {17, 5}, {32, 32}, {100, 33}}) {
    const Problem p(GetParam(), width, hidden);
    const Results got = run(p, Body::kDispatched), want = run(p, Body::kScalar);
    for (size_t r = 0; r < want.size(); ++r) {
      double largest = 0.1, worst = 0;  // of sums that cancel, too
      for (size_t i = 0; i < want[r].size(); ++i) {
        largest = std::max<double>(largest, std::fabs(want[r][i]));
        worst = std::max<double>(worst, std::fabs(got[r][i] - want[r][i]));
      }
      // The last is one number, the bias's gradient: a sum over all samples and values that
      // cancels.
      const double tolerance = r + 1 == want.size() ? 1e-4 : 2e-5;
      EXPECT_LT(worst, tolerance * largest) << "result " << r << ", " << width << " x " << hidden;
    }
    EXPECT_EQ(run(p, Body::kDispatched), got) << "another run";
  }
}

INSTANTIATE_TEST_SUITE_P(Shapes, DinAttentionTest, testing::ValuesIn(cases()),
                         [](const auto& info) { return info.param.name; });

// A sample alone and among others that share its row: the same bits.
TEST(DinAttention, SamplesDoNotSeeEachOther) {
  const Case together = {"", {3, 150}, std::vector<int32_t>(40, 1)};
  const Problem all(together, 20, 24);
  const std::vector<float> out = run(all, Body::kDispatched)[0];
  for (int64_t sample : {0, 15, 16, 39}) {
    Problem one({"", {3, 150}, {1}}, 20, 24);
    one.inputs.query = all.arrays[0].data() + sample * 20;
    one.inputs.candidate = all.arrays[1].data() + sample * 24;
    const std::vector<float> alone = run(one, Body::kDispatched)[0];
    EXPECT_TRUE(std::equal(alone.begin(), alone.end(), out.begin() + sample * 20)) << sample;
  }
}

}  // namespace
}  // namespace onefold
